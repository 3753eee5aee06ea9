/** Small parts that several panels use. */

import { html, nothing } from '../webjars/lit-html/lit-html.js';
import { holderText } from './drafts.js';
import { curl, problemPage } from './requests.js';
import { act, changed, isFresh, state } from './store.js';

const copy = text => navigator.clipboard.writeText(text);

/** The curl lines that do the same as a button. */
export const curlLines = requests =>
  requests.length === 0
    ? nothing
    : html`<details class="curl"><summary>curl</summary>
        <pre tabindex="0" aria-label="curl command">${requests.map(curl).join('\n')}</pre>
        ${navigator.clipboard === undefined ? nothing : html`<button type="button" class="quiet" @click=${() => copy(requests.map(curl).join('\n'))}>Copy</button>`}
      </details>`;

/**
 * A button for something that the service does, with its curl line.
 *
 * @param {string} label
 * @param {object} action see {@link act}
 * @param {string} [look] "primary", "danger"
 */
export const actionButton = (label, action, look = '') => html`<div class="action">
  <button type="button" class=${look} ?disabled=${state.working !== null || !isFresh() || action.requests.length === 0} @click=${() => act(action)}>${label}</button>
  ${curlLines(action.requests)}
</div>`;

/** A problem of the contract: what is refused, why, and who holds what. */
export const problemTemplate = (problem, { title, close } = {}) => html`<div class="problem">
  ${close === undefined ? nothing : html`<button type="button" class="close" aria-label="Close" @click=${close}>×</button>`}
  <p class="what"><strong>${title ? `${title}: ` : ''}${problem.title}</strong> <code>${problem.code}</code>${problem.errno ? html` <code>${problem.errno}</code>` : nothing}</p>
  <p>${problem.detail}</p>
  ${problem.conflicts?.length > 0 ? html`<ul class="conflicts">${problem.conflicts.slice(0, 8).map(conflict => html`<li><code>${conflict.apqn}</code> ${holderText(conflict)}</li>`)}
    ${problem.conflicts.length > 8 ? html`<li>and ${problem.conflicts.length - 8} more, in the matrix</li>` : nothing}</ul>` : nothing}
  ${problem.type ? html`<a href=${problemPage(problem.type)} target="_blank" rel="noopener">What this means, and what to do</a>` : nothing}
</div>`;

/**
 * Asks once, in words.
 *
 * @returns {Promise<boolean>}
 */
export function ask({ title, lines, go, requests }) {
  return new Promise(answer => {
    state.question = {
      title,
      lines,
      go,
      requests,
      answer(yes) {
        state.question = null;
        changed();
        answer(yes);
      },
    };
    changed();
  });
}
