/** Adapters, domains and APQNs as text. */

const hex = (number, digits) => number.toString(16).padStart(digits, '0');

/** As lszcrypt shows an adapter: 5 is 05. */
export const adapterHex = id => hex(id, 2);

/** As lszcrypt shows a domain: 171 is 00ab. */
export const domainHex = id => hex(id, 4);

export const apqnOf = (adapter, domain) => `${hex(adapter, 2)}.${hex(domain, 4)}`;

export const adapterOf = apqn => parseInt(apqn.slice(0, 2), 16);

export const domainOf = apqn => parseInt(apqn.slice(3), 16);

/** As the API takes an id, and a person recognises it: 5, 0xab. */
export const idText = id => (id < 10 ? String(id) : `0x${hex(id, 2)}`);

/** "5, 6, 0x47-0x4a": three and more in a row as a range, as {@link parseIds} reads it. */
export const idTexts = ids => runsOf(ids).flatMap(run => (run.length < 3 ? run.map(idText) : [`${idText(run[0])}-${idText(run.at(-1))}`])).join(', ');

/** Sorted, and cut where a number is missing. */
export function runsOf(ids) {
  const runs = [];
  for (const id of [...ids].sort((one, other) => one - other)) {
    if (runs.at(-1)?.at(-1) === id - 1) {
      runs.at(-1).push(id);
    } else {
      runs.push([id]);
    }
  }
  return runs;
}

/**
 * Reads a list such as "5, 0x47, 8-11".
 *
 * @returns {number[]} sorted, each once
 * @throws {RangeError} with what is wrong; a leading zero is refused, as the API refuses it
 */
export function parseIds(text) {
  const ids = new Set();
  for (const part of text.split(/[\s,]+/).filter(part => part !== '')) {
    const ends = part.split('-').map(parseId);
    if (ends.length > 2 || ends[0] > ends.at(-1)) {
      throw new RangeError(`${part} is no range: write 8-11`);
    }
    for (let id = ends[0]; id <= ends.at(-1); id++) {
      ids.add(id);
    }
  }
  return [...ids].sort((one, other) => one - other);
}

function parseId(text) {
  if (!/^(0|[1-9][0-9]*|0x[0-9a-fA-F]+)$/.test(text)) {
    throw new RangeError(`${text || 'nothing'} is no number from 0 to 255: write 71 or 0x47`);
  }
  const id = Number(text);
  if (id > 255) {
    throw new RangeError(`${text} is above 255`);
  }
  return id;
}

export const sameIds = (some, others) => some.length === others.length && some.every(id => others.includes(id));

export const shortUuid = uuid => uuid.slice(0, 8);

/** "1 queue", "2 queues". */
export const count = (many, what) => `${many} ${what}${many === 1 ? '' : 's'}`;

/** The time of day on this machine: 13:01:29. */
export const clock = time => new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
