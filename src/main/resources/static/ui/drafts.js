/** What a person is about to do with a selection or a document: the requests for it, and what their dry run said, drawn into the matrix. */

import { idText, shortUuid } from './numbers.js';
import { request } from './requests.js';

/** What can be drafted, and the role that each needs. */
export const KINDS = [
  { id: 'make', name: 'Create', hint: 'a new device', role: 'operator' },
  { id: 'change', name: 'Change', hint: 'the matrix of a device', role: 'operator' },
  { id: 'take', name: 'From host', hint: 'take queues from the host', role: 'reservation-admin' },
  { id: 'give', name: 'To host', hint: 'give queues back to the host', role: 'reservation-admin' },
  { id: 'plan', name: 'Plan', hint: 'apply a whole document', role: 'operator' },
];

const terms = (sign, ids) => ids.map(id => sign + idText(id)).join(',');

/** The relative terms of the masks that are no change are left out. */
const masks = parts => Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== ''));

/**
 * The requests of a draft; none where it is not ready.
 *
 * @returns {import('./requests.js').Request[]}
 */
export function requestsOf(draft, selection, host, masksNow, queues, mdevs) {
  const { adapters, domains } = selection;
  switch (draft.kind) {
    case 'make':
      return adapters.length + domains.length === 0
        ? []
        : [request('POST', 'mdevs', { adapters, domains, ...(draft.control ? { controlDomains: domains } : {}) })];
    case 'change': {
      const device = mdevs.find(({ uuid }) => uuid === draft.mdev);
      const controlDomains = draft.control ? domains : device?.controlDomains;
      return device === undefined ? [] : [request('PUT', `mdevs/${device.uuid}/matrix`, { adapters, domains, controlDomains })];
    }
    case 'take':
      return adapters.length === 0 || domains.length === 0 ? [] : leaving(draft.via, selection, host, masksNow, queues);
    case 'give':
      return adapters.length === 0 || domains.length === 0 ? [] : comingBack(selection, host, masksNow, queues);
    case 'plan':
      return draft.text.trim() === '' ? [] : [{ method: 'PUT', path: 'desired-state', text: draft.text, type: isJson(draft.text) ? 'application/json' : 'application/yaml' }];
  }
}

const selected = ({ adapters, domains }, queues) =>
  queues.filter(queue => adapters.includes(queue.adapter) && domains.includes(queue.domain));

const drivers = (driver, queues) => queues.map(({ apqn }) => request('PUT', `queues/${apqn}/driver`, { driver }));

const isJson = text => text.trimStart().startsWith('{');

/** A queue has left the host as soon as one of its two bits is cleared. */
function leaving(via, selection, host, masksNow, queues) {
  if (host.queueAssignment === 'driver_override') {
    return drivers('vfio_ap', selected(selection, queues).filter(queue => queue.driver !== 'vfio_ap'));
  }
  const body =
    via === 'apmask'
      ? masks({ apmask: terms('-', selection.adapters.filter(id => masksNow.hostAdapters.includes(id))) })
      : masks({ aqmask: terms('-', selection.domains.filter(id => masksNow.hostDomains.includes(id))) });
  return Object.keys(body).length === 0 ? [] : [request('PATCH', 'masks', body)];
}

/** A queue is the host's only when both of its bits are set. */
function comingBack(selection, host, masksNow, queues) {
  if (host.queueAssignment === 'driver_override') {
    return drivers('default', selected(selection, queues).filter(queue => queue.driver === 'vfio_ap'));
  }
  const body = masks({
    apmask: terms('+', selection.adapters.filter(id => !masksNow.hostAdapters.includes(id))),
    aqmask: terms('+', selection.domains.filter(id => !masksNow.hostDomains.includes(id))),
  });
  return Object.keys(body).length === 0 ? [] : [request('PATCH', 'masks', body)];
}

/** The queues that would leave the host, whole adapters or whole domains at a time. */
export const leavingBy = (via, { adapters, domains }, queues) =>
  queues.filter(queue => queue.reservedForHost && (via === 'apmask' ? adapters.includes(queue.adapter) : domains.includes(queue.domain)));

/** Whichever takes fewer queues beside those that are wanted. */
export const gentlest = (selection, queues) =>
  leavingBy('aqmask', selection, queues).length < leavingBy('apmask', selection, queues).length ? 'aqmask' : 'apmask';

const HOLDERS = {
  host: holder => `the host's driver ${holder}`,
  mdev: holder => `device ${shortUuid(holder)}`,
  guest: holder => holder,
};

export const holderText = ({ holderKind, holder }) => (HOLDERS[holderKind] ?? (() => holder))(holder);

const shortHolder = ({ holderKind, holder }) => (holderKind === 'mdev' ? shortUuid(holder) : holderKind === 'host' ? 'host' : holder);

/** What problems say of single queues: for the matrix. */
export const conflictMarks = problems =>
  new Map(
    problems.flatMap(({ conflicts = [] }) =>
      conflicts.map(conflict => [
        conflict.apqn,
        { kind: 'conflict', text: `In the way: ${holderText(conflict)} has it`, short: shortHolder(conflict) },
      ])),
  );

/** What a dry run would do, queue by queue; what is in the way before all. */
export function marksOf(answers) {
  const marks = new Map();
  for (const { apqnsAdded, apqnsRemoved, moves = [], problems } of answers) {
    apqnsAdded.forEach(apqn => marks.set(apqn, { kind: 'add', text: 'Would be added', short: 'added' }));
    apqnsRemoved.forEach(apqn => marks.set(apqn, { kind: 'remove', text: 'Would be removed', short: 'removed' }));
    moves.forEach(({ apqn, from, to }) =>
      marks.set(apqn, {
        kind: to === null ? 'remove' : 'add',
        text: `Would go from ${from === null ? 'nobody' : holderText(from)} to ${to === null ? 'nobody' : holderText(to)}`,
        short: to === null ? 'nobody' : shortHolder(to),
      }));
    conflictMarks(problems).forEach((mark, apqn) => marks.set(apqn, mark));
  }
  return marks;
}
