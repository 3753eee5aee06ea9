/** What the page knows: what the service last answered, what is selected, and what is under way. Every change is drawn once, with the next picture. */

import { conflictMarks, gentlest, KINDS, marksOf, requestsOf } from './drafts.js';
import { listen } from './live.js';
import { matrixOf } from './picture.js';
import { dryRun, forgetToken, get, Refusal, send, useToken } from './requests.js';

const NOTHING_SELECTED = { adapters: [], domains: [] };

/** What the page shows, and where it comes from. */
const LISTS = {
  host: 'host',
  adapters: 'adapters',
  queues: 'queues',
  masks: 'masks',
  mdevs: 'mdevs',
  guests: 'guests',
  allocations: 'allocations',
  audit: 'audit?last=60&dryRun=false',
  preflight: 'host/preflight',
};

/** Which of them a kind of event makes stale. */
const STALE = [
  [/^masks\./, ['masks', 'queues', 'preflight']],
  [/^(mdev|matrix|guestMatrix|attachment)\./, ['mdevs', 'queues', 'guests']],
  [/^guest\./, ['guests', 'mdevs', 'queues', 'preflight']],
  [/^queue\./, ['queues', 'adapters', 'mdevs']],
  [/^allocation\./, ['allocations']],
  [/./, ['audit']],
];

/** What no event tells: whether cards are online, which processes that are no guests have devices, who was refused, whether the host is still ready. */
const LOOK_AGAIN = 15000;

/** A list is not asked for again sooner: events come in swarms. */
const BREATH = 200;

/** A dry run waits until a hand rests: each one is recorded in the audit journal. */
const REST = 300;

export const state = {
  caller: null,
  loginRefusal: null,
  host: null,
  adapters: [],
  queues: [],
  masks: null,
  mdevs: [],
  guests: [],
  allocations: [],
  audit: [],
  preflight: null,
  unavailable: null,
  connection: 'connecting',
  heardAt: null,
  level: 'all',
  selection: NOTHING_SELECTED,
  typed: { adapters: null, domains: null },
  draft: { kind: 'make', mdev: null, via: 'apmask', control: false, text: '' },
  preview: { requests: [], answers: [], refusal: null, pending: false },
  chosen: null,
  chosenGuest: null,
  picked: {},
  alsoStored: false,
  question: null,
  working: null,
  refusal: null,
  notice: null,
  progress: null,
};

let draw = () => {};
let isDrawn = true;

/** Has the page drawn, at most once a frame. */
export function changed() {
  if (isDrawn) {
    isDrawn = false;
    requestAnimationFrame(() => {
      isDrawn = true;
      draw();
    });
  }
}

const update = parts => {
  Object.assign(state, parts);
  changed();
};

let drawn = { adapters: null, queues: null, mdevs: null, matrix: null };

/** The matrix of what was last answered. */
export function matrix() {
  const { adapters, queues, mdevs } = state;
  if (drawn.adapters !== adapters || drawn.queues !== queues || drawn.mdevs !== mdevs) {
    drawn = { adapters, queues, mdevs, matrix: matrixOf(state) };
  }
  return drawn.matrix;
}

/** What a refusal, or else the dry run of the draft, says of single queues. */
export function marks() {
  return state.refusal !== null ? conflictMarks([state.refusal.problem]) : marksOf(state.preview.answers);
}

export const may = role => state.caller?.roles.includes(role) ?? false;

/** What this caller may draft. */
export const kindsAllowed = () => KINDS.filter(({ role }) => may(role));

/** Whether what is shown is what is, and may be acted upon. */
export const isFresh = () => state.connection === 'live';

// ---------------------------------------------------------------- what the service tells

const asked = new Map();

/** Asks again for these lists; while one is being asked for, once more afterwards. */
export function reload(...names) {
  return Promise.all(names.map(name => {
    const running = asked.get(name);
    if (running !== undefined) {
      running.again = true;
      return running.done;
    }
    const run = { again: false };
    run.done = load(name).finally(() => setTimeout(() => {
      asked.delete(name);
      if (run.again) {
        reload(name);
      }
    }, BREATH));
    asked.set(name, run);
    return run.done;
  }));
}

async function load(name) {
  try {
    const answer = await get(LISTS[name]);
    const isList = name !== 'preflight' && answer.items !== undefined;
    update({ [name]: isList ? answer.items : answer, ...(name === 'queues' ? { unavailable: null } : {}) });
  } catch (refusal) {
    await refused(refusal, name);
  }
}

async function refused(refusal, name) {
  if (!(refusal instanceof Refusal)) {
    throw refusal;
  }
  if (refusal.status === 401) {
    update({ caller: null, loginRefusal: refusal.problem });
  } else if (refusal.problem.code === 'AP_UNAVAILABLE') {
    update({ unavailable: refusal.problem, [name]: Array.isArray(state[name]) ? [] : null });
  } else if (refusal.status === 0) {
    disconnected();
  } else {
    update({ refusal: { title: `Cannot show ${name}`, problem: refusal.problem } });
  }
}

const reloadAll = () => reload(...Object.keys(LISTS)).then(askDryRun);

function happened(event) {
  if (event.type === 'plan.progress') {
    const progress = event.after;
    update({ progress });
    if (progress.status !== 'RUNNING') {
      reload('masks', 'queues', 'mdevs', 'guests');
    }
  }
  update({ heardAt: new Date() });
  reload(...new Set(STALE.filter(([types]) => types.test(event.type)).flatMap(([, names]) => names))).then(askDryRun);
}

const disconnected = () => {
  if (state.connection !== 'lost') {
    update({ connection: 'lost' });
  }
};

async function start() {
  try {
    update({ caller: await get('caller'), loginRefusal: null });
    update({ draft: { ...state.draft, kind: kindsAllowed()[0]?.id ?? state.draft.kind } });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) {
      throw refusal;
    }
    if (refusal.status === 0) {
      disconnected();
      setTimeout(start, LOOK_AGAIN / 10);
    } else {
      update({ loginRefusal: refusal.problem });
    }
    return;
  }
  reloadAll();
  if (!isListening) {
    isListening = true;
    listen({
      connected() {
        update({ connection: 'live', heardAt: new Date() });
        reload('host', 'masks', 'adapters', 'queues', 'mdevs', 'guests', 'allocations').then(askDryRun);
      },
      happened,
      lost(refusal) {
        disconnected();
        if (refusal?.status === 401) {
          update({ caller: null, loginRefusal: refusal.problem });
        }
      },
    });
    setInterval(() => isFresh() && !document.hidden && reload('host', 'adapters', 'mdevs', 'audit', 'preflight'), LOOK_AGAIN);
    setInterval(() => state.allocations.some(({ expiresAt }) => expiresAt) && changed(), 1000);
  }
}

let isListening = false;

/** Begins to look and to listen, and draws whatever comes. */
export function begin(drawing) {
  draw = drawing;
  changed();
  return start();
}

export function logIn(token) {
  useToken(token);
  return start();
}

export function logOut() {
  forgetToken();
  location.reload();
}

// ---------------------------------------------------------------- what a person is about to do

let dryRunTimer;
let dryRunEnd = new AbortController();

/** The requests of what is drafted now. */
export const draftRequests = () =>
  state.host === null || state.masks === null
    ? []
    : requestsOf(state.draft, state.selection, state.host, state.masks, state.queues, state.mdevs);

function askDryRun() {
  clearTimeout(dryRunTimer);
  dryRunEnd.abort();
  const requests = draftRequests();
  if (requests.length === 0 || !kindsAllowed().some(({ id }) => id === state.draft.kind)) {
    update({ preview: { requests, answers: [], refusal: null, pending: false } });
    return;
  }
  update({ preview: { ...state.preview, requests, pending: true } });
  dryRunTimer = setTimeout(() => tryOut(requests), REST);
}

async function tryOut(requests) {
  dryRunEnd = new AbortController();
  const end = dryRunEnd;
  let preview;
  try {
    const answers = await Promise.all(requests.map(request => send(dryRun(request), end.signal)));
    preview = { requests, answers, refusal: null, pending: false };
  } catch (refusal) {
    if (refusal.name === 'AbortError') {
      return;
    }
    preview = { requests, answers: [], refusal: refusal.problem, pending: false };
  }
  if (!end.signal.aborted) {
    update({ preview });
  }
}

/** @param {boolean} isSettled false while the hand is still moving */
export function select(selection, isSettled) {
  const draft = state.draft.kind === 'plan' ? { ...state.draft, kind: 'make' } : state.draft;
  update({
    selection,
    draft: { ...draft, via: gentlest(selection, state.queues) },
    typed: { adapters: null, domains: null },
    refusal: null,
    preview: { requests: [], answers: [], refusal: null, pending: false },
  });
  if (isSettled) {
    askDryRun();
  }
}

export function draft(parts) {
  update({
    draft: { ...state.draft, ...parts },
    selection: parts.kind === 'plan' ? NOTHING_SELECTED : state.selection,
    refusal: null,
  });
  askDryRun();
}

/** Drafts another matrix for a device, from the one that it has. */
export function draftChange(device) {
  select({ adapters: device.adapters, domains: device.domains }, false);
  draft({ kind: 'change', mdev: device.uuid, control: false });
}

export const show = update;

// ---------------------------------------------------------------- what is done

let isActing = false;

/**
 * Does something that a person wants, once the person has said yes where it is dangerous.
 *
 * @param {object} action
 * @param {string} action.title what is being done, for the line of progress and for a refusal
 * @param {import('./requests.js').Request[]} action.requests one after the other
 * @param {string} action.done what to say when it is done
 * @param {() => Promise<boolean>} [action.agreed] asks, where it is dangerous
 * @param {(answers: object[]) => void} [action.then]
 */
export async function act({ title, requests, done, agreed = async () => true, then = () => {} }) {
  if (isActing) {
    return;
  }
  isActing = true;
  const answers = [];
  try {
    if (!(await agreed())) {
      return;
    }
    update({ working: title, refusal: null, notice: null, progress: null });
    for (const request of requests) {
      answers.push(await send(request));
    }
    then(answers);
    const pending = answers.some(answer => answer?.state === 'DETACHING' || answer?.state === 'ATTACHING');
    update({ notice: pending ? `${title}: the guest has not answered yet; this page tells when it has` : done });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) {
      throw refusal;
    }
    const many = answers.length === 0 ? '' : ` (${answers.length} of ${requests.length} were done before)`;
    update({ refusal: { title: title + many, problem: refusal.problem } });
    if (refusal.status === 401) {
      update({ caller: null, loginRefusal: refusal.problem });
    }
  } finally {
    isActing = false;
    update({ working: null });
    await reload('queues', 'masks', 'mdevs', 'guests', 'allocations', 'audit');
    askDryRun();
  }
}

/** What a dry run warns of: the reasons to ask a person before an unplug. Refusals are left to the request itself. */
export async function warningsOf(request) {
  try {
    return (await send(dryRun(request))).warnings;
  } catch (refusal) {
    if (refusal instanceof Refusal) {
      return [];
    }
    throw refusal;
  }
}
