/** What the service answered, made into a matrix: one cell for each adapter and domain, and who holds it. */

import { adapterHex, adapterOf, apqnOf, count, domainHex, domainOf, runsOf, shortUuid } from './numbers.js';

/** The four levels that a queue passes on its way, and all of them in one picture. */
export const LEVELS = [
  { id: 'all', name: 'All', hint: 'Who holds each queue in the end' },
  { id: 'lpar', name: 'LPAR', hint: 'What the machine gives this host' },
  { id: 'host', name: 'Host', hint: 'What the masks leave to the host, and what has left it' },
  { id: 'mdev', name: 'Mdev', hint: 'What is assigned to mediated devices' },
  { id: 'guest', name: 'Guest', hint: 'What guests really get' },
];

/** How a cell looks: a letter beside the colour, for eyes that do not tell colours apart. */
export const FACES = {
  host: { letter: 'H', name: 'with the host' },
  free: { letter: '○', name: 'free for guests' },
  unbound: { letter: '∅', name: 'without a driver' },
  mdev: { letter: 'M', name: 'in a device' },
  guest: { letter: 'G', name: 'with a guest' },
  hidden: { letter: '×', name: 'hidden from its guest' },
  online: { letter: '●', name: 'online' },
  offline: { letter: '–', name: 'offline' },
  checkstop: { letter: '!', name: 'checkstopped' },
  left: { letter: '○', name: 'has left the host' },
  other: { letter: '', name: 'not on this level' },
  absent: { letter: '', name: 'no such queue' },
};

/**
 * A cell of the matrix.
 *
 * @typedef {object} Cell
 * @property {string} apqn
 * @property {number} adapter
 * @property {number} domain
 * @property {object|null} queue as the service tells it
 * @property {object|null} device the mediated device that has it
 * @property {string|null} guest who has the device; a process that is no known guest as "process 4711"
 * @property {object|null} hidden why the guest does not get it
 * @property {object|undefined} card its adapter
 * @property {number} tint
 * @property {boolean} working whether it is being plugged or unplugged
 * @property {string[]} lines what there is to say of it: for the eye beside the pointer, and for the ear
 * @property {string} key two cells with the same look the same
 */

/** So many lightnesses tell devices apart that lie side by side. */
const TINTS = 3;

const guestName = guest => guest?.name ?? (guest?.pid ? `process ${guest.pid}` : null);

const ascending = (one, other) => one - other;

/** The matrix of the four lists. Rows and columns are what is there, and what devices name beside it. */
export function matrixOf({ adapters, queues, mdevs }) {
  const cards = new Map(adapters.map(card => [card.id, card]));
  const byApqn = new Map(queues.map(queue => [queue.apqn, queue]));
  const holders = new Map(mdevs.flatMap(device => device.matrix.map(apqn => [apqn, device])));
  const rows = [...new Set([...cards.keys(), ...queues.map(queue => queue.adapter), ...mdevs.flatMap(device => device.adapters)])];
  const columns = [...new Set([...queues.map(queue => queue.domain), ...mdevs.flatMap(device => device.domains)])];
  const reached = new Map(mdevs.map(device => [device.uuid, device.guestMatrix === null ? null : new Set(device.guestMatrix)]));
  const make = (adapter, domain) => {
    const apqn = apqnOf(adapter, domain);
    const device = holders.get(apqn) ?? null;
    const reaches = device === null ? null : reached.get(device.uuid);
    const cell = {
      apqn,
      adapter,
      domain,
      queue: byApqn.get(apqn) ?? null,
      device,
      guest: guestName(device?.guest),
      hidden: reaches && !reaches.has(apqn) ? reasonOf(device, apqn) : null,
      card: cards.get(adapter),
      tint: device === null ? 0 : mdevs.indexOf(device) % TINTS,
      working: ['ATTACHING', 'DETACHING'].includes(device?.guest?.state),
    };
    cell.lines = describe(cell);
    cell.key = [...cell.lines, device?.uuid, cell.working].join();
    return cell;
  };
  rows.sort(ascending);
  columns.sort(ascending);
  const cells = new Map(rows.flatMap(adapter => columns.map(domain => [apqnOf(adapter, domain), make(adapter, domain)])));
  return {
    rows,
    columns,
    cards,
    cells,
    /** Also of what is not drawn. */
    cell: (adapter, domain) => cells.get(apqnOf(adapter, domain)) ?? make(adapter, domain),
  };
}

function reasonOf(device, apqn) {
  const explained = device.hidden.find(({ adapter, domain, because }) =>
    because.includes(apqn) || adapter === adapterOf(apqn) || domain === domainOf(apqn));
  return explained ?? { reason: 'UNKNOWN', because: [] };
}

const isOffline = cell => cell.card !== undefined && (cell.card.online === false || cell.card.configured === false);

/** Whether the card cannot work now, whoever holds the queue. */
export const isDown = cell => cell.card !== undefined && (cell.card.checkstop === true || isOffline(cell));

/** How a cell looks on a level: the name of one of {@link FACES}. */
export function faceOf(cell, level) {
  switch (level) {
    case 'lpar':
      return cell.queue === null ? 'absent' : cell.card?.checkstop ? 'checkstop' : isOffline(cell) ? 'offline' : 'online';
    case 'host':
      return cell.queue === null ? 'absent' : cell.queue.reservedForHost ? 'host' : 'left';
    case 'mdev':
      return cell.device !== null ? 'mdev' : cell.queue === null ? 'absent' : 'other';
    case 'guest':
      return cell.guest === null ? (cell.queue === null ? 'absent' : 'other') : cell.hidden ? 'hidden' : 'guest';
    default:
      return holderOf(cell);
  }
}

/** Who holds a queue in the end. */
export function holderOf(cell) {
  if (cell.device !== null) {
    return cell.hidden ? 'hidden' : cell.guest === null ? 'mdev' : 'guest';
  }
  if (cell.queue === null) {
    return 'absent';
  }
  if (cell.queue.reservedForHost) {
    return 'host';
  }
  return cell.queue.driver === null ? 'unbound' : 'free';
}

/** The holder by its own name, short enough for a cell. */
export function holderName(cell) {
  if (cell.guest !== null) {
    return cell.guest;
  }
  if (cell.device !== null) {
    return shortUuid(cell.device.uuid);
  }
  return { host: 'host', free: 'free', unbound: 'no driver', absent: '' }[holderOf(cell)];
}

const REASONS = {
  QUEUE_NOT_BOUND: hidden => `${hidden.because.join(', ')} is not bound to vfio_ap`,
  QUEUE_ABSENT: hidden => `there is no ${hidden.because.join(', ')}`,
  ADAPTER_ABSENT: () => 'the adapter is not there',
  DOMAIN_ABSENT: () => 'the domain is not there',
  NOT_REFILTERED: () => 'the kernel has not looked again since the cause went',
  UNKNOWN: () => 'the kernel does not say why',
};

export const reasonText = hidden => (REASONS[hidden.reason] ?? (() => hidden.reason))(hidden);

const STATES = { ATTACHING: 'is being given it', ATTACHED: 'has it', DETACHING: 'is letting it go' };

function holderSentence(cell) {
  const device = cell.device === null ? '' : `device ${shortUuid(cell.device.uuid)}`;
  switch (holderOf(cell)) {
    case 'host':
      return `The host's driver ${cell.queue.driver ?? '(none)'} has it.`;
    case 'free':
      return 'Free for guests.';
    case 'unbound':
      return 'It has left the host, and no driver is bound.';
    case 'absent':
      return 'There is no such queue.';
    case 'mdev':
      return `In the ${device}, which no guest has.`;
    case 'guest':
      return `${cell.guest} ${STATES[cell.device.guest.state]} through the ${device}.`;
    case 'hidden':
      return `In the ${device}${cell.guest ? ` of ${cell.guest}` : ''}, but hidden: ${reasonText(cell.hidden)}.`;
  }
}

function describe(cell) {
  const card = cell.card;
  const lines = [
    `Adapter ${cell.adapter} (${adapterHex(cell.adapter)}), domain ${cell.domain} (${domainHex(cell.domain)})`,
    holderSentence(cell),
  ];
  if (cell.queue !== null) {
    lines.push(`${card?.type ?? 'Adapter'}, ${cell.queue.mode ?? 'mode unknown'}, ${cardState(card)}, driver ${cell.queue.driver ?? 'none'}`);
    const keys = cell.queue.masterKeys;
    if (keys?.pattern) {
      lines.push(`Master key pattern ${keys.pattern} (${keys.state})`);
    }
  }
  return lines;
}

export function cardState(card) {
  if (card === undefined) {
    return 'not on the bus';
  }
  return card.checkstop ? 'checkstopped' : card.configured === false ? 'deconfigured' : card.online === false ? 'offline' : 'online';
}

/** "05 06 × 04 ab": in hex; three and more in a row as a range. */
export const productText = ({ adapters, domains }) =>
  adapters.length + domains.length === 0 ? 'nothing assigned' : `${rangesText(adapters) || 'no adapter'} × ${rangesText(domains) || 'no domain'}`;

const rangesText = ids =>
  runsOf(ids).map(run => (run.length < 3 ? run.map(adapterHex).join(' ') : `${adapterHex(run[0])}–${adapterHex(run.at(-1))}`)).join(' ');

/** Of a selection, how many queues each kind of holder has: what taking them all would mean. */
export function holdersOf(matrix, { adapters, domains }) {
  const held = new Map();
  for (const adapter of adapters) {
    for (const domain of domains) {
      const cell = matrix.cell(adapter, domain);
      const holder = holderOf(cell);
      const name =
        holder === 'host' || holder === 'free' || holder === 'unbound' || holder === 'absent'
          ? FACES[holder].name
          : cell.guest === null
            ? `in device ${shortUuid(cell.device.uuid)}`
            : `with ${cell.guest}`;
      const entry = held.get(name) ?? { holder, name, apqns: [] };
      entry.apqns.push(cell.apqn);
      held.set(name, entry);
    }
  }
  return [...held.values()];
}

export const queuesText = apqns =>
  apqns.length <= 8 ? apqns.join(', ') : `${apqns.slice(0, 6).join(', ')} and ${count(apqns.length - 6, 'more queue')}`;
