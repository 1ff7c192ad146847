// What the views that show figures share: asking for them again and again, and single numbers.

import { ApiError, get } from "./api.js";
import { percent } from "./format.js";
import { renewed } from "./range.js";
import { Hint } from "./ui.js";
import { html, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";

/** How often figures are asked for again while the page is seen. */
const AGAIN_MS = 10_000;

/** The range as the gateway wants it: one that reaches until now is reckoned from now. */
export function bounds(range) {
  const { since, until } = renewed(range);
  return { since, until };
}

/**
 * What the paths answer, asked again every few seconds: {data, error, again}.
 *
 * ask: a function that gives a promise; it is another one when something else is asked for.
 * What is shown stays until there is something newer, and an error stands beside it.
 */
export function useFigures(ask, every = AGAIN_MS) {
  const [state, setState] = useState({ data: null, error: null });
  const round = useRef(0);
  const again = useCallback(async () => {
    const mine = ++round.current;
    try {
      const data = await ask();
      if (mine === round.current) setState({ data, error: null });
    } catch (error) {
      if (mine !== round.current) return;
      setState((before) => ({ ...before, error }));
      if (!(error instanceof ApiError)) throw error;
    }
  }, [ask]);
  useEffect(() => {
    again();
    const timer = every && setInterval(() => document.hidden || again(), every);
    return () => {
      round.current += 1;
      clearInterval(timer);
    };
  }, [again, every]);
  return { ...state, again };
}

/** Figures of the range, from one path; asked again at once when `turn` is another. */
export function useRange(path, range, params = {}, every = AGAIN_MS, turn = 0) {
  const ask = useCallback(
    () => get(path, { ...params, ...bounds(range) }),
    [path, JSON.stringify(params), range.since, range.until, turn],
  );
  return useFigures(ask, every);
}

/** Bytes, in the unit that fits. */
export function bytes(value) {
  if (value < 1024) return `${value} B`;
  return value < 1024 ** 2 ? `${(value / 1024).toFixed(1)} KiB` : `${(value / 1024 ** 2).toFixed(1)} MiB`;
}

/** The change against the period before; `good` is which way is better, "up", "down" or neither. */
export function Change({ now, before, good }) {
  if (now === null || before === null) return html`<span class="change muted">the change is unknown</span>`;
  const old = Number(before ?? 0);
  if (!old) return html`<span class="change muted">nothing before</span>`;
  const change = (Number(now ?? 0) - old) / Math.abs(old);
  const way = Math.abs(change) < 0.005 ? "same" : change > 0 ? "up" : "down";
  const kind = way === "same" || !good ? "muted" : way === good ? "better" : "worse";
  const size = Math.abs(change) > 9.99 ? "> 999 %" : percent(Math.abs(change));
  const words = { up: `↑ ${size}`, down: `↓ ${size}`, same: "no change" }[way];
  return html`<span class=${`change ${kind}`}>
    ${words} <span class="unseen">${way === "same" ? "" : way}, against the period before</span>
  </span>`;
}

/** One number with its name; `hint` explains it, and what is inside stands below. */
export function Figure({ name, value, hint, children }) {
  return html`<div class="stat">
    <dt>${name}${hint && html`<${Hint} text=${hint} />`}</dt>
    <dd>${value}</dd>
    <dd class="note">${children}</dd>
  </div>`;
}
