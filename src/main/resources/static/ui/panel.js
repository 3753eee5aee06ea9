/** What a person is about to do: with the selected queues, or with a whole document. */

import { html, nothing } from '../webjars/lit-html/lit-html.js';
import { gentlest, leavingBy } from './drafts.js';
import { count, idTexts, parseIds, sameIds, shortUuid } from './numbers.js';
import { actionButton, ask, problemTemplate } from './parts.js';
import { FACES, holdersOf, productText, queuesText } from './picture.js';
import { draft, kindsAllowed, matrix, may, select, show, state } from './store.js';

const NONE = { adapters: [], domains: [] };

function typed(part, text) {
  try {
    const ids = parseIds(text);
    const selection = { ...state.selection, [part]: ids };
    if (!sameIds(ids, state.selection[part])) {
      select(selection, true);
    }
    show({ typed: { ...state.typed, [part]: { text, wrong: null } } });
  } catch (wrong) {
    if (!(wrong instanceof RangeError)) {
      throw wrong;
    }
    show({ typed: { ...state.typed, [part]: { text, wrong: wrong.message } } });
  }
}

const idsField = (part, label) => {
  const own = state.typed[part];
  return html`<label class="field">${label}
    <input type="text" inputmode="text" autocomplete="off" spellcheck="false" placeholder=${part === 'adapters' ? '5, 6' : '4, 0xab'}
      .value=${own?.text ?? idTexts(state.selection[part])} aria-invalid=${own?.wrong ? 'true' : 'false'}
      aria-describedby=${own?.wrong ? `${part}-wrong` : nothing} @input=${event => typed(part, event.target.value)}>
    ${own?.wrong ? html`<span class="wrong" id="${part}-wrong">${own.wrong}</span>` : nothing}
  </label>`;
};

function holders() {
  const { adapters, domains } = state.selection;
  const many = adapters.length * domains.length;
  if (many === 0) {
    return html`<p class="hint">Drag over the matrix, or name adapters and domains. A device has each of its adapters in each of its domains.</p>`;
  }
  return html`<p class="sum"><strong>${adapters.length} × ${domains.length} = ${count(many, 'queue')}</strong></p>
    <ul class="holders" tabindex="0" aria-label="Who has them">${holdersOf(matrix(), state.selection).map(({ holder, name, apqns }) =>
      html`<li><span class="swatch is-${holder}" aria-hidden="true">${FACES[holder].letter}</span> <span>${apqns.length} ${name}</span> <span class="dim">${queuesText(apqns)}</span></li>`)}</ul>`;
}

const kindChoice = () => html`<div class="segments" role="radiogroup" aria-label="What to do">
  ${kindsAllowed().map(({ id, name, hint }) => html`<label class=${state.draft.kind === id ? 'on' : ''} title=${hint}><input type="radio" name="kind" value=${id}
    .checked=${state.draft.kind === id} @change=${() => draft({ kind: id })}>${name}</label>`)}
</div>`;

const controlChoice = () =>
  may('control-domain-admin')
    ? html`<label class="check"><input type="checkbox" .checked=${state.draft.control} @change=${event => draft({ control: event.target.checked })}>
        also control these domains</label>`
    : nothing;

/** What the service says that it would do. */
function forecast() {
  const { pending, refusal, answers } = state.preview;
  if (pending) {
    return html`<p class="hint" aria-busy="true">Asking what would happen …</p>`;
  }
  if (refusal !== null) {
    return problemTemplate(refusal);
  }
  const problems = answers.flatMap(answer => answer.problems);
  const steps = answers.flatMap(answer => answer.steps);
  const guests = [...new Set(answers.flatMap(answer => answer.guestsAffected))];
  return html`
    ${problems.map(problem => problemTemplate(problem))}
    ${problems.some(problem => problem.code === 'APQN_RESERVED') && may('reservation-admin')
      ? html`<button type="button" class="quiet" @click=${() => draft({ kind: 'take', via: gentlest(state.selection, state.queues) })}>Take them from the host first …</button>`
      : nothing}
    ${guests.length === 0 ? nothing : html`<p>Guests that notice: ${guests.join(', ')}</p>`}
    ${warnings(answers)}
    ${steps.length === 0 ? (answers.length > 0 && problems.length === 0 ? html`<p class="hint">It is so already: nothing would be written.</p>` : nothing)
      : html`<details><summary>${count(steps.length, 'step')}</summary><ol class="steps">${steps.map(step =>
        html`<li><b>${step.action}</b> <code>${step.target}</code> ${step.value ? html`<code>${step.value}</code>` : nothing}</li>`)}</ol></details>`}`;
}

/** Warnings that say the same of several queues are said once. */
const warnings = answers =>
  answers.flatMap(answer => answer.warnings ?? []).filter(({ code }) => code !== 'SECURE_KEYS').map(({ detail }) => html`<p class="warning">${detail}</p>`);

function makeButton() {
  return actionButton('Create the device', {
    title: 'Create a device',
    requests: state.preview.requests,
    done: 'The device is made.',
    then([device]) {
      select(NONE, false);
      show({ chosen: device.uuid });
    },
  }, 'primary');
}

function changeParts() {
  const device = state.mdevs.find(({ uuid }) => uuid === state.draft.mdev);
  return html`<label class="field">Device
      <select @change=${event => draft({ mdev: event.target.value || null })}>
        <option value="" ?selected=${device === undefined}>choose one</option>
        ${state.mdevs.map(({ uuid, adapters, domains }) => html`<option value=${uuid} ?selected=${uuid === device?.uuid}>${shortUuid(uuid)}: ${productText({ adapters, domains })}</option>`)}
      </select></label>
    ${controlChoice()} ${forecast()}
    ${device === undefined ? nothing : actionButton('Replace its matrix', {
      title: `Change ${shortUuid(device.uuid)}`,
      requests: state.preview.requests,
      done: `The device ${shortUuid(device.uuid)} has its new matrix.`,
      then() {
        select(NONE, false);
        show({ chosen: device.uuid });
      },
    }, 'primary')}`;
}

const viaChoice = () => {
  if (state.host?.queueAssignment === 'driver_override' || state.selection.adapters.length * state.selection.domains.length === 0) {
    return nothing;
  }
  const option = (via, what) => {
    const queues = leavingBy(via, state.selection, state.queues);
    return html`<label class="check"><input type="radio" name="via" value=${via} .checked=${state.draft.via === via} @change=${() => draft({ via })}>
      whole ${what}: ${count(queues.length, 'queue')} leave${queues.length === 1 ? 's' : ''} the host</label>`;
  };
  return html`<fieldset><legend>The masks know only whole adapters and whole domains</legend>
    ${option('apmask', `adapters ${idTexts(state.selection.adapters)}`)} ${option('aqmask', `domains ${idTexts(state.selection.domains)}`)}</fieldset>`;
};

const takeButton = () => actionButton('Take them from the host', {
  title: 'Take queues from the host',
  requests: state.preview.requests,
  done: 'The queues have left the host.',
  then: () => draft({ kind: 'make' }),
}, 'primary');

function giveButton() {
  const removed = state.preview.answers.flatMap(answer => answer.apqnsRemoved);
  const requests = state.preview.requests;
  return actionButton('Give them back to the host', {
    title: 'Give queues back to the host',
    requests,
    done: 'The host has the queues again.',
    agreed: () => ask({
      title: `Give ${count(removed.length, 'queue')} back to the host?`,
      lines: [
        removed.length === 0 ? 'No queue that is there now.' : `${queuesText(removed)}.`,
        'From then on the host\'s own drivers and programs use them, and no guest can be given one before they are taken again.',
      ],
      go: 'Give back',
      requests,
    }),
    then: () => select(NONE, false),
  }, 'danger');
}

function planParts() {
  const moves = state.preview.answers.flatMap(answer => answer.moves ?? []);
  const removed = state.preview.answers.flatMap(answer => answer.apqnsRemoved);
  const requests = state.preview.requests;
  return html`<label class="field">Document (YAML or JSON)
      <textarea rows="12" spellcheck="false" autocomplete="off" placeholder="owner: demo&#10;masks:&#10;  apmask: &quot;-5,-6&quot;&#10;mdevs:&#10;  - name: one&#10;    adapters: [5, 6]&#10;    domains: [4, 0xab]&#10;attachments:&#10;  - guest: guest1&#10;    mdev: one"
        .value=${state.draft.text} @input=${event => draft({ text: event.target.value })}></textarea></label>
    ${moves.length === 0 ? nothing : html`<p>${count(moves.length, 'queue')} would change ${moves.length === 1 ? 'its holder' : 'their holders'}; the matrix shows which.</p>`}
    ${forecast()}
    ${actionButton('Apply the document', {
      title: 'Apply a document',
      requests,
      done: 'The document is applied.',
      agreed: async () => removed.length === 0 || ask({
        title: `Apply it, and take ${count(removed.length, 'queue')} away?`,
        lines: [`${queuesText(removed)}.`, 'Whoever has them now loses them; requests in flight fail.'],
        go: 'Apply',
        requests,
      }),
    }, 'primary')}`;
}

const PARTS = {
  make: () => html`${controlChoice()} ${forecast()} ${makeButton()}`,
  change: changeParts,
  take: () => html`${viaChoice()} ${forecast()} ${takeButton()}`,
  give: () => html`${forecast()} ${giveButton()}`,
  plan: planParts,
};

/** What to do, and what would come of it. */
export function panelTemplate() {
  if (kindsAllowed().length === 0) {
    return html`<section class="panel" aria-labelledby="panel-title"><h2 id="panel-title">Selection</h2>
      ${holders()}<p class="hint">Your roles let you look, not change.</p></section>`;
  }
  const isPlan = state.draft.kind === 'plan';
  const some = state.selection.adapters.length + state.selection.domains.length > 0;
  return html`<section class="panel ${some || isPlan ? 'open' : ''}" aria-labelledby="panel-title">
    <h2 id="panel-title">${isPlan ? 'Plan' : 'Selection'}${some && !isPlan ? html` <button type="button" class="quiet" @click=${() => select(NONE, true)}>Clear</button>` : nothing}${
      isPlan ? html` <button type="button" class="quiet" @click=${() => draft({ kind: 'make' })}>Close</button>` : nothing}</h2>
    ${kindChoice()}
    ${isPlan ? nothing : html`<div class="pair">${idsField('adapters', 'Adapters')}${idsField('domains', 'Domains')}</div>${holders()}`}
    ${PARTS[state.draft.kind]()}
  </section>`;
}
