/** Listens to what changes, for as long as the page is open. */

import { get, openEvents, Refusal } from './requests.js';

const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 5000;
/** The service tells at least every 15 seconds that there is nothing to tell, unless it is configured otherwise. */
const SILENCE = 40000;

const pause = millis => new Promise(done => setTimeout(done, millis));

/**
 * Listens, and connects again whenever the connection is lost.
 *
 * @param {object} listener
 * @param {() => void} listener.connected from now on nothing is missed; what was before must be looked at anew
 * @param {(event: object) => void} listener.happened one change
 * @param {(refusal: Refusal|null) => void} listener.lost nothing is heard any more
 */
export async function listen({ connected, happened, lost }) {
  for (let wait = SHORTEST_PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    try {
      await listenOnce(() => {
        wait = SHORTEST_PAUSE;
        connected();
      }, happened);
      lost(null);
    } catch (failed) {
      lost(failed instanceof Refusal ? failed : null);
    }
    await pause(wait);
  }
}

async function listenOnce(connected, happened) {
  const end = new AbortController();
  const answer = await openEvents(end.signal);
  if (!answer.ok) {
    throw new Refusal(answer.status, { title: 'No events', code: String(answer.status), detail: '', conflicts: [] });
  }
  const watch = silenceWatch(() => end.abort());
  try {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    connected();
    let rest = '';
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      watch.heard();
      const messages = (rest + piece.value).split(/\r?\n\r?\n/);
      rest = messages.pop();
      messages.map(dataOf).filter(data => data !== '').forEach(data => happened(JSON.parse(data)));
    }
  } finally {
    watch.stop();
  }
}

/** What a message carries (HTML, Server-sent events); nothing for a heartbeat. */
const dataOf = message =>
  message
    .split(/\r?\n/)
    .filter(line => line.startsWith('data:'))
    .map(line => line.slice('data:'.length).replace(/^ /, ''))
    .join('\n');

/** A connection that has died says nothing: after a silence the service is asked whether it is there. */
function silenceWatch(dead) {
  let timer;
  let stopped = false;
  const start = () => {
    clearTimeout(timer);
    if (!stopped) {
      timer = setTimeout(() => get('host').then(start, dead), SILENCE);
    }
  };
  start();
  return {
    heard: start,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
