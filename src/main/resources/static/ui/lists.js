/** The lists beside the matrix: devices, guests, allocations, the audit's last lines, preflight. */

import { html, nothing } from '../webjars/lit-html/lit-html.js';
import { clock, count, idTexts, shortUuid } from './numbers.js';
import { actionButton, ask } from './parts.js';
import { productText, reasonText } from './picture.js';
import { request } from './requests.js';
import { draftChange, may, show, state, warningsOf } from './store.js';

const JOURNAL_LINES = 12;

const section = (id, title, badge, body) => html`<section class="list" aria-labelledby="${id}-title">
  <h2 id="${id}-title">${title} <span class="badge">${badge}</span></h2>${body}</section>`;

const empty = text => html`<p class="hint">${text}</p>`;

// ---------------------------------------------------------------- plug and unplug

/** Guests of libvirt have a stored definition; one that is shut off can be given a device there alone. */
const isShutOff = guest => guest.storedDevices !== null && guest.state === 'shutdown';

function plugAction(guest, mdev) {
  const persistent = isShutOff(guest) || (guest.storedDevices !== null && state.alsoStored);
  return {
    title: isShutOff(guest) ? `Give ${shortUuid(mdev)} to ${guest.name} at its next start` : `Plug ${shortUuid(mdev)} into ${guest.name}`,
    requests: [request('PUT', `guests/${guest.name}/ap-device`, persistent ? { mdev, persistent } : { mdev })],
    done: isShutOff(guest)
      ? `${guest.name} is given the device when it is started.`
      : `${guest.name} has the device; its Linux sees the queues after its next scan of the bus.`,
  };
}

/** Asks before queues with secure keys are taken out of a guest; and not otherwise. */
async function agreedToUnplug(guest, unplug, unplugged) {
  const warnings = (await warningsOf(unplug)).filter(({ code }) => code === 'SECURE_KEYS');
  return warnings.length === 0 || ask({
    title: `Unplug ${guest}? Its queues ${warnings[0].apqns.join(', ')} may have secure keys`,
    lines: warnings.map(({ detail }) => detail),
    go: unplugged,
    requests: [unplug],
  });
}

function unplugAction(guest, mdev, persistent = false) {
  const parameters = [...(mdev ? [`mdev=${mdev}`] : []), ...(persistent ? ['persistent=true'] : [])];
  const unplug = request('DELETE', `guests/${guest}/ap-device${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`);
  return {
    title: `Unplug ${guest}`,
    requests: [unplug],
    done: `${guest} has no device any more.`,
    agreed: () => agreedToUnplug(guest, unplug, 'Unplug'),
  };
}

function prepareAction(guest) {
  const prepare = request('POST', `guests/${guest}/migration-preparation`);
  return {
    title: `Prepare ${guest} for migration`,
    requests: [prepare],
    done: `${guest} can migrate, as far as its AP device goes.`,
    agreed: () => agreedToUnplug(guest, prepare, 'Unplug and remember'),
  };
}

/** What a chosen guest can be asked beside the plug. */
const storeChoice = guest =>
  guest.storedDevices === null
    ? nothing
    : isShutOff(guest)
      ? html`<p class="hint">${guest.name} is shut off: it is given the device at its next start.</p>`
      : html`<label class="check"><input type="checkbox" .checked=${state.alsoStored} @change=${event => show({ alsoStored: event.target.checked })}>
          At its next start, too</label>`;

/** A choice of what to plug together, and the button that does it. */
function plugChoice(label, name, choices, guestOf, actionOf) {
  const chosen = choices.find(({ value }) => value === state.picked[name]) ?? choices[0];
  return choices.length === 0
    ? nothing
    : html`<div class="plug"><label class="field">${label}
        <select @change=${event => show({ picked: { ...state.picked, [name]: event.target.value } })}>
          ${choices.map(({ value, text }) => html`<option value=${value} ?selected=${value === chosen.value}>${text}</option>`)}
        </select></label>${actionButton(isShutOff(guestOf(chosen.value)) ? 'Store' : 'Plug in', actionOf(chosen.value), 'primary')}
        ${storeChoice(guestOf(chosen.value))}</div>`;
}

// ---------------------------------------------------------------- devices

const WORDS = { ATTACHING: 'being plugged', ATTACHED: 'plugged', DETACHING: 'being unplugged', STORED: 'at its next start' };

const holderBadge = device =>
  device.guest
    ? html`<span class="tag ${device.guest.state === 'ATTACHED' ? 'is-guest' : 'working'}">${device.guest.name ?? `process ${device.guest.pid}`}${
        device.guest.state === 'ATTACHED' ? '' : ` ${WORDS[device.guest.state]}`}</span>`
    : device.inUse === null ? html`<span class="tag">use unknown</span>` : html`<span class="tag is-mdev">${device.inUse ? 'in use' : 'not plugged'}</span>`;

function deviceActions(device) {
  const free = state.guests.filter(guest => guest.apDevice === null && (guest.state !== 'shutdown' || isShutOff(guest)));
  const named = name => state.guests.find(guest => guest.name === name);
  const remove = request('DELETE', `mdevs/${device.uuid}`);
  return html`<div class="actions">
    ${device.guest?.name
      ? actionButton(`Unplug from ${device.guest.name}`, unplugAction(device.guest.name, device.uuid), 'danger')
      : plugChoice('Guest', device.uuid, free.map(({ name }) => ({ value: name, text: name })), named, name => plugAction(named(name), device.uuid))}
    <button type="button" class="quiet" @click=${() => draftChange(device)}>Change its matrix …</button>
    ${actionButton('Remove', {
      title: `Remove ${shortUuid(device.uuid)}`,
      requests: [remove],
      done: `The device ${shortUuid(device.uuid)} is gone.`,
      agreed: () => ask({
        title: `Remove the device ${shortUuid(device.uuid)}?`,
        lines: [device.matrix.length === 0 ? 'It has no queue.' : `Its ${count(device.matrix.length, 'queue')} are free for other devices then.`,
          device.definition === null ? 'It is not defined: nothing makes it again.' : 'Its definition stays.',
          ...(device.storedFor.length === 0 ? [] : [`${device.storedFor.join(', ')} cannot be started without it.`])],
        go: 'Remove',
        requests: [remove],
      }),
    }, 'danger')}
  </div>`;
}

const deviceDetails = device => html`<div class="details">
  <dl>
    <dt>UUID</dt><dd><code class="whole">${device.uuid}</code></dd>
    <dt>Queues</dt><dd>${device.matrix.length}${device.guestMatrix === null ? '' : `, of which a guest gets ${device.guestMatrix.length}`}</dd>
    ${device.controlDomains.length === 0 ? nothing : html`<dt>Controls</dt><dd>domains ${idTexts(device.controlDomains)}</dd>`}
    ${device.storedFor.length === 0 ? nothing : html`<dt>Stored</dt><dd>for the next start of ${device.storedFor.join(', ')}</dd>`}
    <dt>At boot</dt><dd>${device.definition === 'auto' ? 'made again' : device.definition === 'manual' ? 'defined, not made' : 'not defined'}</dd>
  </dl>
  ${device.hidden.map(hidden => html`<p class="warning">${hidden.adapter === null ? `Domain ${hidden.domain}` : `Adapter ${hidden.adapter}`} is hidden from its guest: ${reasonText(hidden)}.</p>`)}
  ${device.warnings.map(({ detail }) => html`<p class="warning">${detail}</p>`)}
  ${may('operator') ? deviceActions(device) : nothing}
</div>`;

const row = (isOpen, open, body) => html`<button type="button" class="row" aria-expanded=${isOpen} @click=${open}>${body}</button>`;

export const devicesTemplate = () => section('devices', 'Devices', state.mdevs.length,
  state.mdevs.length === 0 ? empty('No mediated device stands.') : html`<ul tabindex="0" aria-labelledby="devices-title">${state.mdevs.map(device => {
    const isOpen = state.chosen === device.uuid;
    return html`<li class=${isOpen ? 'open' : ''}>
      ${row(isOpen, () => show({ chosen: isOpen ? null : device.uuid }), html`<code>${shortUuid(device.uuid)}</code>
        <span class="grow">${productText(device)}${device.hidden.length > 0 ? html` <b class="warn-mark" title="something is hidden from its guest">×</b>` : nothing}</span>${holderBadge(device)}`)}
      ${isOpen ? deviceDetails(device) : nothing}</li>`;
  })}</ul>`);

// ---------------------------------------------------------------- guests

const feature = (name, has) => html`<span class="feature ${has === false ? 'lacks' : ''}" aria-label="${name}: ${has === null ? 'unknown' : has ? 'yes' : 'no'}">${name}${has === null ? '?' : has ? '' : ' –'}</span>`;

function guestActions(guest) {
  if (guest.apDevice?.state === 'STORED') {
    return html`<div class="actions">${actionButton('Take it out', {
      ...unplugAction(guest.name, guest.apDevice.mdev, true),
      title: `Take the device out of what ${guest.name} is given at its next start`,
      done: `${guest.name} is given no device at its next start.`,
    }, 'danger')}</div>`;
  }
  if (guest.apDevice !== null) {
    return html`<div class="actions">
      ${actionButton('Unplug', unplugAction(guest.name, guest.apDevice.mdev), 'danger')}
      ${guest.apDevice.persistent ? actionButton('Unplug for good', { ...unplugAction(guest.name, guest.apDevice.mdev, true), done: `${guest.name} has no device any more, at its next start neither.` }, 'danger') : nothing}
      ${actionButton('Prepare migration', prepareAction(guest.name))}</div>`;
  }
  const free = state.mdevs.filter(device => device.guest === null && device.inUse !== true);
  return html`<div class="actions">
    ${guest.migrationPrepared === null ? nothing : actionButton('Plug in again', {
      title: `Plug ${guest.name} in again`,
      requests: [request('DELETE', `guests/${guest.name}/migration-preparation`)],
      done: guest.migrationPrepared.mdev === null ? 'The preparation is forgotten.' : `${guest.name} has its device again.`,
    }, 'primary')}
    ${plugChoice('Device', guest.name, free.map(({ uuid, ...device }) => ({ value: uuid, text: `${shortUuid(uuid)}: ${productText(device)}` })), () => guest, mdev => plugAction(guest, mdev))}
    ${guest.migrationPrepared === null && free.length === 0 ? empty('No device is free to be plugged in.') : nothing}</div>`;
}

const guestDetails = guest => html`<div class="details">
  <dl>
    <dt>UUID</dt><dd><code class="whole">${guest.uuid ?? 'none'}</code></dd>
    <dt>Source</dt><dd>${guest.source}${guest.pid === null ? '' : `, process ${guest.pid}`}</dd>
    <dt>CPU model</dt><dd>${Object.entries(guest.cpuFeatures).map(([name, has]) => feature(name, has))}</dd>
    <dt>Device</dt><dd>${guest.apDevice === null ? 'none' : html`<code class="whole">${guest.apDevice.mdev ?? guest.apDevice.sysfsdev}</code>`}</dd>
    ${(guest.storedDevices ?? []).length === 0 ? nothing : html`<dt>Next start</dt><dd><code class="whole">${guest.storedDevices.join(' ')}</code></dd>`}
  </dl>
  ${may('operator') ? guestActions(guest) : nothing}
</div>`;

function guestTag(guest) {
  if (guest.apDevice !== null) {
    const isDone = guest.apDevice.state === 'ATTACHED';
    const look = isDone ? 'is-guest' : guest.apDevice.state === 'STORED' ? 'is-mdev' : 'working';
    return html`<span class="tag ${look}">${isDone ? shortUuid(guest.apDevice.mdev ?? '?') : WORDS[guest.apDevice.state]}</span>`;
  }
  return guest.migrationPrepared === null ? nothing : html`<span class="tag">may migrate</span>`;
}

export const guestsTemplate = () => section('guests', 'Guests', state.guests.length,
  state.guests.length === 0 ? empty('No guest is known.') : html`<ul tabindex="0" aria-labelledby="guests-title">${state.guests.map(guest => {
    const isOpen = state.chosenGuest === guest.name;
    return html`<li class=${isOpen ? 'open' : ''}>
      ${row(isOpen, () => show({ chosenGuest: isOpen ? null : guest.name, chosen: guest.apDevice?.mdev ?? state.chosen }), html`<strong>${guest.name}</strong>
        <span class="grow ${guest.state === 'unreachable' ? 'bad' : 'dim'}">${guest.state}${guest.cpuFeatures.ap === false ? ', no AP' : ''}</span>${guestTag(guest)}`)}
      ${isOpen ? guestDetails(guest) : nothing}</li>`;
  })}</ul>`);

// ---------------------------------------------------------------- allocations

function timeLeft(until) {
  const seconds = Math.round((new Date(until) - Date.now()) / 1000);
  if (seconds <= 0) {
    return 'over';
  }
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days} d ${hours} h left` : hours > 0 ? `${hours} h ${minutes} min left` : minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}

function allocationTemplate(allocation) {
  const release = request('DELETE', `allocations/${allocation.id}`);
  return html`<li>
    <div class="row"><strong>${allocation.owner}</strong>
      <span class="grow dim">${count(allocation.queues.length, 'queue')}${allocation.guest ? ` for ${allocation.guest}` : ''}, ${allocation.expiresAt ? timeLeft(allocation.expiresAt) : 'for good'}</span>
      <span class="tag ${allocation.state === 'LOST' || allocation.state === 'EXPIRED' ? 'bad' : ''}">${allocation.state.toLowerCase()}</span></div>
    ${may('operator') ? html`<div class="actions">${actionButton('Give back', {
      title: `Give back the allocation of ${allocation.owner}`,
      requests: [release],
      done: 'The allocation is given back.',
      agreed: () => ask({
        title: `Give back what ${allocation.owner} has?`,
        lines: [`${allocation.queues.join(', ')}${allocation.guest ? `: ${allocation.guest} is unplugged` : ''}; the device is removed, and the masks are as they were found.`],
        go: 'Give back',
        requests: [release],
      }),
    }, 'danger')}</div>` : nothing}</li>`;
}

export const allocationsTemplate = () => section('allocations', 'Allocations', state.allocations.length,
  state.allocations.length === 0 ? empty('Nobody has asked for queues by wish.') : html`<ul tabindex="0" aria-labelledby="allocations-title">${state.allocations.map(allocationTemplate)}</ul>`);

// ---------------------------------------------------------------- audit

/** An attempt is one line: its outcome, or its intent while there is none. */
function attempts() {
  const last = new Map();
  state.audit.forEach(record => last.set(record.attempt, record));
  return [...last.values()].slice(-JOURNAL_LINES).reverse();
}

const targetText = ({ guest, mdev, queue, path }) => guest ?? queue ?? (mdev ? shortUuid(mdev) : (path ?? '').replace('/api/v1/', ''));

const auditLine = record => {
  const outcome = record.kind === 'INTENT' ? 'under way' : (record.code ?? '');
  const isRefusal = record.status === null ? record.code === 'UNKNOWN' : record.status >= 400;
  return html`<li><time datetime=${record.time} title=${record.time}>${clock(record.time)}</time>
    <span class="grow"><b>${record.operation ?? record.target.method ?? '?'}</b> ${targetText(record.target)}
      <span class="dim">${record.actor.name}</span></span><span class="tag ${isRefusal ? 'bad' : ''}">${outcome}</span></li>`;
};

export const auditTemplate = () => section('audit', 'Audit', 'last lines',
  state.audit.length === 0 ? empty('Nothing has been attempted yet.') : html`<ul class="lines" tabindex="0" aria-labelledby="audit-title">${attempts().map(auditLine)}</ul>`);

// ---------------------------------------------------------------- preflight

const ORDER = ['fail', 'warn', 'ok'];
const RESULTS = { fail: '✕ fail', warn: '▲ warn', ok: '✓ ok' };

const checkTemplate = check => html`<li><details ?open=${check.result === 'fail'}><summary><span class="tag result-${check.result}">${RESULTS[check.result]}</span> ${check.check}: ${check.found}</summary>
  <p>${check.means}</p>${check.mend ? html`<pre tabindex="0" aria-label="command that mends it">${check.mend}</pre>` : nothing}</details></li>`;

export function preflightTemplate() {
  const items = state.preflight?.items ?? [];
  const many = result => items.filter(item => item.result === result).length;
  return section('preflight', 'Preflight', items.length === 0 ? '…' : ORDER.map(result => [many(result), result]).filter(([n]) => n > 0).map(([n, result]) => `${n} ${result}`).join(', '),
    html`<ul tabindex="0" aria-labelledby="preflight-title">${[...items].sort((one, other) => ORDER.indexOf(one.result) - ORDER.indexOf(other.result)).map(checkTemplate)}</ul>`);
}
