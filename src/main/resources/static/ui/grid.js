/** The matrix as a table: adapters down, domains across, a cell for each queue. Selecting is always a product of adapters and domains, as in the kernel. */

import { html, nothing, render } from '../webjars/lit-html/lit-html.js';
import { guard } from '../webjars/lit-html/directives/guard.js';
import { adapterHex, count, domainHex } from './numbers.js';
import { cardState, FACES, faceOf, holderName, isDown } from './picture.js';

const MODES = { CCA: 'C', EP11: 'E', ACCELERATOR: 'A' };
const MARKS = { add: '+', remove: '−', conflict: '!' };

/** So many domains fit with a name in each cell, and so many with a letter beside the lists; more get small cells over the whole width. */
const LARGE_UP_TO = 10;
const MIDDLE_UP_TO = 26;

export const sizeOf = matrix =>
  matrix.columns.length <= LARGE_UP_TO ? 'large' : matrix.columns.length <= MIDDLE_UP_TO ? 'middle' : 'small';

const NOTHING = { adapters: [], domains: [] };

/** -1 is the row of headers, or the column of headers. */
const HEADER = -1;

/**
 * Draws the matrix and lets people select in it.
 *
 * @param {() => {adapters: number[], domains: number[]}} selected what is selected now, drawn or not yet
 * @param {(selection: {adapters: number[], domains: number[]}, isSettled: boolean) => void} select is told each selection; settled when the pointer is let go
 * @param {() => void} redraw
 */
export function makeGrid(selected, select, redraw) {
  let view = { matrix: { rows: [], columns: [] }, selection: NOTHING };
  let focus = { row: 0, column: 0 };
  let anchor = null;
  let drag = null;

  const between = (list, from, to) => list.slice(Math.max(0, Math.min(from, to)), Math.max(from, to) + 1);
  const union = (some, others) => [...new Set([...some, ...others])].sort((one, other) => one - other);
  const rectangle = (from, to, base = NOTHING) => ({
    adapters: union(base.adapters, between(view.matrix.rows, from.row, to.row)),
    domains: union(base.domains, between(view.matrix.columns, from.column, to.column)),
  });
  const without = (list, id) => list.filter(other => other !== id);
  const toggled = (list, id) => (list.includes(id) ? without(list, id) : union(list, [id]));

  function toggle(at) {
    const { matrix } = view;
    const selection = selected();
    if (at.row === HEADER && at.column === HEADER) {
      const all = { adapters: matrix.rows, domains: matrix.columns };
      return selection.adapters.length === matrix.rows.length && selection.domains.length === matrix.columns.length ? NOTHING : all;
    }
    if (at.row === HEADER) {
      return { ...selection, domains: toggled(selection.domains, matrix.columns[at.column]) };
    }
    if (at.column === HEADER) {
      return { ...selection, adapters: toggled(selection.adapters, matrix.rows[at.row]) };
    }
    return rectangle(at, at, selection);
  }

  function placeOf(target) {
    const cell = target.closest('[data-row]');
    return cell === null ? null : { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  }

  const isCell = at => at !== null && at.row !== HEADER && at.column !== HEADER;

  function pressed(event) {
    const at = placeOf(event.target);
    if (at === null || event.button !== 0 || event.pointerType === 'touch') {
      return;
    }
    event.preventDefault();
    moveTo(at);
    if (!isCell(at)) {
      select(toggle(at), true);
      return;
    }
    const adds = event.ctrlKey || event.metaKey;
    if (!event.shiftKey || anchor === null) {
      anchor = at;
    }
    drag = { from: anchor, base: adds ? selected() : NOTHING };
    select(rectangle(drag.from, at, drag.base), false);
    window.addEventListener('pointerup', released, { once: true });
  }

  function entered(event) {
    const at = placeOf(event.target);
    tip.show(isCell(at) ? cellAt(at) : null, event.target, at);
    if (drag !== null && isCell(at)) {
      select(rectangle(drag.from, at, drag.base), false);
    }
  }

  function released() {
    drag = null;
    select(selected(), true);
  }

  /** A finger scrolls where it drags; where it taps, it adds. */
  function tapped(event) {
    const at = placeOf(event.target);
    if (event.pointerType === 'touch' && at !== null) {
      focus = at;
      tip.hide();
      select(toggle(at), true);
    }
  }

  const cellAt = at => view.matrix.cell(view.matrix.rows[at.row], view.matrix.columns[at.column]);

  function moveTo(at) {
    focus = at;
    redraw();
    queueMicrotask(() => {
      const cell = document.querySelector(`[data-row="${at.row}"][data-column="${at.column}"]`);
      cell?.focus({ preventScroll: false });
    });
  }

  function typed(event) {
    const { rows, columns } = view.matrix;
    const last = { row: rows.length - 1, column: columns.length - 1 };
    const steps = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageUp: [-10, 0],
      PageDown: [10, 0],
      Home: [event.ctrlKey ? -last.row - 1 : 0, -last.column - 1],
      End: [event.ctrlKey ? last.row + 1 : 0, last.column + 1],
    };
    const clamp = (value, most) => Math.min(Math.max(value, HEADER), most);
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const to = { row: clamp(focus.row + step[0], last.row), column: clamp(focus.column + step[1], last.column) };
      if (event.shiftKey && isCell(to)) {
        anchor ??= focus;
        select(rectangle(anchor, to), true);
      } else {
        anchor = null;
      }
      moveTo(to);
    } else if (event.key === ' ') {
      event.preventDefault();
      select(toggle(focus), true);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      select(isCell(focus) ? rectangle(focus, focus) : toggle(focus), true);
    } else if (event.key === 'Escape') {
      tip.hide();
      select(NOTHING, true);
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      select({ adapters: rows, domains: columns }, true);
    }
  }

  function focused(event) {
    const at = placeOf(event.target);
    if (at !== null) {
      focus = at;
      tip.show(isCell(at) && event.target.matches(':focus-visible') ? cellAt(at) : null, event.target, at);
    }
  }

  const tip = makeTip(() => view);

  function cellTemplate(cell, row, column) {
    const face = faceOf(cell, view.level);
    const mark = view.marks.get(cell.apqn);
    const isSelected = view.selection.adapters.includes(cell.adapter) && view.selection.domains.includes(cell.domain);
    const classes = [
      `is-${face}`,
      cell.device === null ? '' : `tint-${cell.tint}`,
      isDown(cell) ? 'down' : '',
      cell.working ? 'working' : '',
      mark === undefined ? '' : `mark-${mark.kind}`,
      isSelected ? 'selected' : '',
      view.chosen !== null && cell.device?.uuid === view.chosen ? 'chosen' : '',
    ];
    const name = view.size === 'large' && ['guest', 'mdev', 'hidden', 'host', 'free', 'unbound', 'left'].includes(face) ? nameFor(cell, face) : '';
    return html`<td role="gridcell" class=${classes.filter(Boolean).join(' ')} data-apqn=${cell.apqn} data-row=${row} data-column=${column}
      tabindex=${focus.row === row && focus.column === column ? 0 : -1} aria-selected=${isSelected}
      data-letter=${mark === undefined ? FACES[face].letter : MARKS[mark.kind]}
      aria-label=${[cell.apqn, mark?.text, ...cell.lines].filter(Boolean).join('. ')}>${
      name === '' ? nothing : html`<small>${mark?.short ?? name}</small>`}</td>`;
  }

  const nameFor = (cell, face) =>
    view.level === 'host' ? (face === 'host' ? 'host' : 'left') : view.level === 'mdev' ? cell.device.uuid.slice(0, 8) : holderName(cell);

  /** Everything that a row shows: when it is as before, the row is not touched. */
  const shownOf = row => {
    const adapter = view.matrix.rows[row];
    const card = view.matrix.cards.get(adapter);
    return [
      view.level,
      view.size,
      view.chosen,
      focus.row === row ? focus.column : '',
      view.selection.adapters.includes(adapter) ? `selected ${view.selection.domains}` : '',
      card?.type,
      cardState(card),
      ...view.matrix.columns.map(domain => {
        const cell = view.matrix.cell(adapter, domain);
        const mark = view.marks.get(cell.apqn);
        return mark === undefined ? cell.key : `${cell.key} ${mark.kind} ${mark.text}`;
      }),
    ].join('|');
  };

  function rowTemplate(row) {
    const adapter = view.matrix.rows[row];
    const card = view.matrix.cards.get(adapter);
    const mode = card?.mode ?? null;
    const state = cardState(card);
    return html`<tr>
      <th role="rowheader" scope="row" data-row=${row} data-column=${HEADER} tabindex=${focus.row === row && focus.column === HEADER ? 0 : -1}
        class=${view.selection.adapters.includes(adapter) ? 'selected' : ''}
        title=${`adapter ${adapter}`}
        aria-label=${`Adapter ${adapter}, ${card?.type ?? 'not on the bus'}, ${mode ?? 'mode unknown'}, ${state}`}><span
        class="id">${adapterHex(adapter)}</span><span class="type">${card?.type ?? '?'}</span><span class="mode">${
        view.size === 'small' ? (MODES[mode] ?? '?') : (mode === 'ACCELERATOR' ? 'accel' : (mode ?? '?'))}</span><span
        class="lamp ${state === 'online' ? 'up' : 'down'}">${state === 'online' ? (view.size === 'large' ? 'online' : '●') : view.size === 'large' ? state : '–'}</span></th>
      ${view.matrix.columns.map((domain, column) => cellTemplate(view.matrix.cell(adapter, domain), row, column))}
    </tr>`;
  }

  /**
   * @param {object} next matrix, level, selection, marks (APQN -> {kind, text, short}), chosen (a device's UUID or null)
   */
  return function gridTemplate(next) {
    view = { ...next, size: sizeOf(next.matrix) };
    const { matrix, size, selection } = view;
    focus = { row: Math.min(focus.row, matrix.rows.length - 1), column: Math.min(focus.column, matrix.columns.length - 1) };
    return html`<div class="scroller">
      <table role="grid" id="matrix" class="matrix ${size}" aria-multiselectable="true"
        aria-label=${`AP queues: ${count(matrix.rows.length, 'adapter')} by ${count(matrix.columns.length, 'domain')}`}
        @pointerdown=${pressed} @pointerover=${entered} @pointerleave=${tip.hide} @click=${tapped} @keydown=${typed} @focusin=${focused} @focusout=${tip.hide}>
        <thead><tr>
          <th role="columnheader" scope="col" class="corner" data-row=${HEADER} data-column=${HEADER}
            tabindex=${focus.row === HEADER && focus.column === HEADER ? 0 : -1} aria-label="Adapters by domains: all">${
            size === 'small' ? '╲' : html`adapter<i aria-hidden="true"> ╲ </i>domain`}</th>
          ${matrix.columns.map((domain, column) => html`<th role="columnheader" scope="col" data-row=${HEADER} data-column=${column}
            tabindex=${focus.row === HEADER && focus.column === column ? 0 : -1} class=${selection.domains.includes(domain) ? 'selected' : ''}
            title=${`domain ${domain}`} aria-label=${`Domain ${domain}, ${domainHex(domain)}`}>${size === 'small' ? domainHex(domain).slice(2) : domainHex(domain)}</th>`)}
        </tr></thead>
        <tbody>${matrix.rows.map((adapter, row) => guard([shownOf(row)], () => rowTemplate(row)))}</tbody>
      </table>
    </div>`;
  };
}

/** What there is to say of the cell under the pointer, beside it; and its row and column lit. */
function makeTip(view) {
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  tip.setAttribute('aria-hidden', 'true'); // each cell says the same to a screen reader
  document.body.append(tip);

  const lit = () => document.querySelectorAll('#matrix .lit');

  function hide() {
    tip.hidden = true;
    lit().forEach(header => header.classList.remove('lit'));
  }

  function show(cell, target, at) {
    hide();
    if (cell === null) {
      return;
    }
    document
      .querySelectorAll(`#matrix th[data-row="${at.row}"], #matrix th[data-column="${at.column}"]`)
      .forEach(header => header.classList.add('lit'));
    const mark = view().marks.get(cell.apqn);
    render(html`<b>${cell.apqn}</b>${mark === undefined ? nothing : html`<p class="mark-${mark.kind}">${mark.text}</p>`}${cell.lines.map(line => html`<p>${line}</p>`)}`, tip);
    tip.hidden = false;
    const box = target.getBoundingClientRect();
    const below = box.bottom + tip.offsetHeight + 12 < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
  }

  return { show, hide };
}
