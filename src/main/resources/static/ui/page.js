/** The page: the matrix, what can be done with it, and the lists beside it. */

import { html, nothing, render } from '../webjars/lit-html/lit-html.js';
import { makeGrid, sizeOf } from './grid.js';
import { allocationsTemplate, auditTemplate, devicesTemplate, guestsTemplate, preflightTemplate } from './lists.js';
import { clock, count } from './numbers.js';
import { panelTemplate } from './panel.js';
import { curlLines, problemTemplate } from './parts.js';
import { FACES, faceOf, isDown, LEVELS } from './picture.js';
import { hasToken } from './requests.js';
import { begin, changed, isFresh, logIn, logOut, marks, matrix, select, show, state } from './store.js';

const grid = makeGrid(() => state.selection, select, changed);

const CONNECTIONS = {
  connecting: () => 'connecting …',
  live: () => 'live',
  lost: () => 'connection lost',
};

function hostLine({ machineId, kernelRelease, generation, queueAssignment }) {
  return [machineId, kernelRelease && `kernel ${kernelRelease}`, generation, queueAssignment === 'masks' ? 'masks' : 'driver overrides'].filter(Boolean).join(' · ');
}

const headerTemplate = () => html`<header>
  <h1>apmatrix</h1>
  ${state.host?.mode === 'simulated' ? html`<span class="simulated">SIMULATED</span>` : nothing}
  <p class="host">${state.host === null ? nothing : hostLine(state.host)}</p>
  <p class="connection ${state.connection}" role="status"><span aria-hidden="true">${isFresh() ? '●' : '○'}</span> ${CONNECTIONS[state.connection]()}</p>
  ${state.caller === null ? nothing : html`<p class="caller" title=${state.caller.roles.join(', ')}>${state.caller.name}${hasToken() ? html` <button type="button" class="quiet" @click=${logOut}>Log out</button>` : nothing}</p>`}
  <a href="swagger-ui.html">API</a>
</header>`;

const banner = (look, body) => html`<div class="banner ${look}" role=${look === 'bad' ? 'alert' : 'status'}>${body}</div>`;

const progressText = ({ owner, done, of, step, status }) =>
  status === 'RUNNING' ? `Document of ${owner}: ${done} of ${count(of, 'step')}, ${step}` : null;

const bannersTemplate = () => html`<div class="banners">
  ${state.connection === 'lost' ? banner('bad', html`<strong>Connection lost.</strong> What you see is from ${state.heardAt === null ? 'before' : clock(state.heardAt)}, and may not be so any more. Trying again …`) : nothing}
  ${state.unavailable ? banner('bad', problemTemplate(state.unavailable)) : nothing}
  ${state.working ? banner('busy', html`<span class="spinner" aria-hidden="true"></span>${state.working} …`) : nothing}
  ${state.progress && progressText(state.progress) ? banner('busy', progressText(state.progress)) : nothing}
  ${state.notice ? banner('good', html`${state.notice} <button type="button" class="close" aria-label="Close" @click=${() => show({ notice: null })}>×</button>`) : nothing}
  ${state.refusal ? banner('bad', problemTemplate(state.refusal.problem, { title: state.refusal.title, close: () => show({ refusal: null }) })) : nothing}
  ${(state.host?.unfinished ?? []).map(work => banner('bad', html`<strong>Cut off in the middle:</strong> ${work.subject}, since ${clock(work.since)}. The next write to it settles it.`))}
</div>`;

/** What can be seen on this level, and how often. */
function legend(cells) {
  const seen = new Map();
  cells.forEach(cell => {
    const face = faceOf(cell, state.level);
    seen.set(face, (seen.get(face) ?? 0) + 1);
  });
  const down = cells.filter(isDown).length;
  return html`<ul class="legend" aria-label="Legend">
    ${Object.entries(FACES).filter(([face]) => seen.has(face)).map(([face, { letter, name }]) =>
      html`<li><span class="swatch is-${face}" aria-hidden="true">${letter}</span> ${name} <b>${seen.get(face)}</b></li>`)}
    ${down > 0 && state.level !== 'lpar' ? html`<li><span class="swatch down" aria-hidden="true"></span> on a card that is down <b>${down}</b></li>` : nothing}
  </ul>`;
}

const levelChoice = () => html`<div class="segments" role="radiogroup" aria-label="Level">
  ${LEVELS.map(({ id, name, hint }) => html`<label class=${state.level === id ? 'on' : ''} title=${hint}><input type="radio" name="level" value=${id}
    .checked=${state.level === id} @change=${() => show({ level: id })}>${name}</label>`)}
</div>`;

function matrixTemplate() {
  const now = matrix();
  const cells = [...now.cells.values()];
  return html`<section class="field-of-queues" aria-labelledby="matrix-title">
    <div class="bar"><h2 id="matrix-title">Queues</h2>${levelChoice()}${legend(cells)}</div>
    ${now.rows.length === 0
      ? html`<p class="hint">${state.heardAt === null ? 'Looking …' : 'There is no adapter on this host.'}</p>`
      : grid({ matrix: now, level: state.level, selection: state.selection, marks: marks(), chosen: state.chosen })}
  </section>`;
}

const loginTemplate = () => html`<main class="login"><form @submit=${event => {
    event.preventDefault();
    logIn(new FormData(event.target).get('token').trim());
  }}>
  <h1>apmatrix</h1>
  <p>This service asks who calls. ${hasToken() ? html`<strong>The last token was not taken: ${state.loginRefusal.detail}</strong>` : nothing}</p>
  <label class="field">Token <input type="password" name="token" autocomplete="off" required></label>
  <button type="submit" class="primary">Log in</button>
  <p class="hint">An administrator makes one with <code>java -jar apmatrix.jar token add</code>. It is kept in this tab alone.</p>
</form></main>`;

function questionTemplate() {
  const question = state.question;
  return question ? html`<dialog aria-labelledby="question" @cancel=${() => question.answer(false)}>
    <h2 id="question">${question.title}</h2>
    ${question.lines.map(line => html`<p>${line}</p>`)}
    ${curlLines(question.requests)}
    <div class="buttons"><button type="button" @click=${() => question.answer(false)}>Cancel</button>
      <button type="button" class="danger" @click=${() => question.answer(true)}>${question.go}</button></div>
  </dialog>` : nothing;
}

const pageTemplate = () => state.loginRefusal !== null
  ? loginTemplate()
  : html`${headerTemplate()}
    ${bannersTemplate()}
    <main class=${[sizeOf(matrix()), isFresh() ? '' : 'stale'].join(' ')}>
      ${matrixTemplate()}
      <div class="beside">${panelTemplate()}${auditTemplate()}${preflightTemplate()}</div>
      <div class="below">${devicesTemplate()}${guestsTemplate()}${allocationsTemplate()}</div>
    </main>
    ${questionTemplate()}`;

const page = document.createElement('div');
page.id = 'page';
document.body.prepend(page);

begin(() => {
  render(pageTemplate(), page);
  const dialog = page.querySelector('dialog:not([open])');
  dialog?.showModal();
});
