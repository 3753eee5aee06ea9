/** Requests to this service: sent, and written as the curl line that does the same. */

const API = new URL('api/v1/', document.baseURI);
const KEPT_TOKEN = 'apmatrix.token';

/** The token of this tab; it goes with it. */
let token = sessionStorage.getItem(KEPT_TOKEN);

export const hasToken = () => token !== null;

export function useToken(text) {
  token = text;
  sessionStorage.setItem(KEPT_TOKEN, text);
}

export function forgetToken() {
  token = null;
  sessionStorage.removeItem(KEPT_TOKEN);
}

/** What the service refuses, or that it cannot be reached ({@code status} 0). */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail);
    this.status = status;
    this.problem = problem;
  }
}

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} path below /api/v1
 * @property {object} [body] sent as JSON
 * @property {string} [text] sent as it is, with this type
 * @property {string} [type]
 */

/** @returns {Request} */
export const request = (method, path, body) => ({ method, path, body });

const withDryRun = path => `${path}${path.includes('?') ? '&' : '?'}dryRun=true`;

/** The same request, changing nothing. */
export const dryRun = request => ({ ...request, path: withDryRun(request.path) });

function content(request) {
  if (request.text !== undefined) {
    return request;
  }
  return request.body === undefined ? null : { type: 'application/json', text: JSON.stringify(request.body) };
}

const quoted = text => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** One command for a shell. Where the service asks who calls, the token stands in $TOKEN. */
export function curl(request) {
  const url = new URL(request.path, API).href;
  const words = ['curl', '-X', request.method, /[?&*[\]{}]/.test(url) ? quoted(url) : url];
  if (token !== null) {
    words.push('-H', '"Authorization: Bearer $TOKEN"');
  }
  const body = content(request);
  if (body !== null) {
    words.push('-H', quoted(`Content-Type: ${body.type}`), request.text === undefined ? '-d' : '--data-binary', quoted(body.text));
  }
  return words.join(' ');
}

function headers(more = {}) {
  return token === null ? more : { ...more, Authorization: `Bearer ${token}` };
}

/** Where the page of a problem's type is, also behind a proxy that adds a prefix. */
export const problemPage = type => new URL(String(type).replace(/^\//, ''), document.baseURI).href;

/** Asks for a stream of events. */
export const openEvents = signal => fetch(new URL('events', API), { headers: headers({ Accept: 'text/event-stream' }), signal });

/**
 * Sends a request and reads its answer.
 *
 * @param {Request} request
 * @param {AbortSignal} [signal]
 * @returns {Promise<object|null>} null for an answer without a body
 * @throws {Refusal} for every answer that is no success, and for none
 */
export async function send(request, signal) {
  const body = content(request);
  let answer;
  let text;
  try {
    answer = await fetch(new URL(request.path, API), {
      method: request.method,
      headers: headers(body === null ? {} : { 'Content-Type': body.type }),
      body: body?.text,
      signal,
    });
    text = await answer.text();
  } catch (unreachable) {
    if (unreachable.name === 'AbortError') {
      throw unreachable;
    }
    throw new Refusal(0, {
      title: 'The service does not answer',
      code: 'UNREACHABLE',
      detail: 'What was sent may or may not have been done: look again once it answers.',
      conflicts: [],
    });
  }
  if (!answer.ok) {
    throw new Refusal(answer.status, problemIn(answer, text));
  }
  return text === '' ? null : JSON.parse(text);
}

/** A proxy's answer is no problem of ours, and is shown all the same. */
function problemIn(answer, text) {
  if (answer.headers.get('Content-Type')?.includes('json')) {
    return { conflicts: [], ...JSON.parse(text) };
  }
  return { title: `Status ${answer.status}`, code: String(answer.status), detail: text.slice(0, 300), conflicts: [] };
}

export const get = path => send(request('GET', path));
