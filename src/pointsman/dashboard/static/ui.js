// The parts that every view is made of. Text goes into text nodes only.
import { html, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { ago, count, money, ms, time } from "./format.js";

export { ago, count, money, ms, percent, time } from "./format.js";

/** Whether this browser may do what an `admin` does. */
export const manages = (session) => !session.needs_key || session.principal?.role === "admin";

/** Whether it may call models and rate answers: all but `read-only` may. */
export const calls = (session) => !session.needs_key || session.principal?.role !== "read-only";

/** Whether it sees what others of its organisation did: a `user` sees its own requests. */
export const seesAll = (session) => !session.needs_key || session.principal?.role !== "user";

/** What this browser was told to keep; null where it keeps nothing. */
export function kept(name) {
  try {
    return localStorage.getItem(`pointsman.${name}`);
  } catch {
    return null;
  }
}

/** Keep it for the next visit, where the browser lets us. */
export function keep(name, value) {
  try {
    localStorage.setItem(`pointsman.${name}`, value);
  } catch {
    // Storage is blocked: the choice holds for this visit.
  }
}

/** What `load(signal)` gives, again whenever `needs` change: {data, error, loading, reload}. */
export function useLoad(load, needs) {
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((was) => ({ ...was, loading: true }));
    load(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ data, error: null, loading: false }),
      (error) => !abort.signal.aborted && setState((was) => ({ ...was, error, loading: false })),
    );
    return () => abort.abort();
  }, [...needs, turn]);
  return { ...state, reload: useCallback(() => setTurn((was) => was + 1), []) };
}

/** The colour that a CSS variable has now, for what draws on a canvas: colour("local"). */
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A framed part of a page. `hint` explains its figures; `actions` stand at the right. */
export function Card({ title, hint, actions, children, ...rest }) {
  return html`<section class=${`card ${rest.class ?? ""}`} aria-label=${title}>
    ${(title || actions) && html`<header>
      <h2>${title}${hint && html`<${Hint} text=${hint} />`}</h2>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>`}
    ${children}
  </section>`;
}

/** A question mark whose explanation shows on hover, on focus and to screen readers. */
export function Hint({ text }) {
  return html`<span class="hint" tabindex="0" role="note" aria-label=${text}>
    <span aria-hidden="true">?</span><span class="tip" aria-hidden="true">${text}</span>
  </span>`;
}

/**
 * A table. `columns`: [{key, label, render(row)?, align: "end"?, hide: "phone"?}];
 * `rowKey(row)`; `rowProps(row)` more attributes of a row; `foot` a row below.
 */
export function Table({ caption, columns, rows, rowKey, rowProps, foot }) {
  const classes = (column) => `${column.align === "end" ? "end" : ""} ${column.hide ? `hide-${column.hide}` : ""}`;
  return html`<div class="scroll" role="region" aria-label=${caption} tabindex="0"><table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col" key=${column.key} class=${classes(column)}>${column.label}</th>`)}</tr></thead>
    <tbody>${rows.map((row, index) => html`<tr key=${rowKey ? rowKey(row) : index} ...${rowProps?.(row) ?? {}}>
      ${columns.map((column) => html`<td key=${column.key} class=${classes(column)}>${column.render ? column.render(row) : row[column.key]}</td>`)}
    </tr>`)}</tbody>
    ${foot && html`<tfoot>${foot}</tfoot>`}
  </table></div>`;
}

/** Nothing here yet, and what to do next; `command` is shown to be copied. */
export function Empty({ title, children, command }) {
  return html`<div class="empty">
    <svg viewBox="0 0 48 48" aria-hidden="true"><path d="M16 42V6M16 32c0-10 16-9 16-22" /><circle cx="16" cy="32" r="4" /></svg>
    <h3>${title}</h3>
    ${children && html`<p>${children}</p>`}
    ${command && html`<div class="command"><pre tabindex="0">${command}</pre><${Copy} text=${command} /></div>`}
  </div>`;
}

/** What went wrong, and a way to try again. */
export function ErrorBox({ error, retry }) {
  if (!error) return null;
  return html`<div class="error" role="alert">
    <div><strong>${error.code === "unreachable" ? "No answer" : "That did not work"}</strong><p>${error.message}</p></div>
    ${retry && html`<${Button} onClick=${retry}>Try again</${Button}>`}
  </div>`;
}

/** A short word with a colour: local, cloud, cache, good, warn, bad, plain. */
export function Badge({ kind = "plain", title, children }) {
  return html`<span class=${`badge ${kind}`} title=${title}>${children}</span>`;
}

export const Money = ({ value }) => html`<span class="num" title=${value == null ? "the price is not known" : `$${value}`}>${money(value)}</span>`;
export const Ms = ({ value }) => html`<span class="num" title=${value == null ? "" : `${value} ms`}>${ms(value)}</span>`;
export const Tokens = ({ value }) => html`<span class="num" title=${value == null ? "" : `${value} tokens`}>${count(value)}</span>`;
export const Time = ({ value, relative = false }) => html`<time class="num" datetime=${value} title=${value}>${relative ? ago(value) : time(value)}</time>`;

/** A button; `kind` is "primary", "quiet" or "danger". */
export function Button({ kind = "", busy = false, disabled = false, children, ...rest }) {
  return html`<button type="button" ...${rest} class=${`button ${kind} ${rest.class ?? ""}`} disabled=${disabled || busy} aria-busy=${busy ? "true" : undefined}>${children}</button>`;
}

let fields = 0;

/** A control with its label: children is a function of the id that the control must have. */
export function Field({ label, hint, inline = false, children }) {
  const [id] = useState(() => `field-${(fields += 1)}`);
  return html`<div class=${inline ? "field inline" : "field"}>
    <label for=${id}>${label}</label>
    ${children(id)}
    ${hint && html`<small id=${`${id}-hint`}>${hint}</small>`}
  </div>`;
}

/** Choices of which one is on: `tabs` [{key, label}]. Arrow keys move. */
export function Tabs({ label, tabs, current, onChange }) {
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = tabs.findIndex((tab) => tab.key === current);
    const next = (at + step + tabs.length) % tabs.length;
    onChange(tabs[next].key);
    event.currentTarget.children[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
    ${tabs.map((tab) => html`<button type="button" role="tab" key=${tab.key} aria-selected=${tab.key === current ? "true" : "false"}
      tabindex=${tab.key === current ? 0 : -1} onClick=${() => onChange(tab.key)}>${tab.label}</button>`)}
  </div>`;
}

/** A dialog over the page; Escape and a press beside it close it. */
export function Dialog({ title, onClose, children, actions }) {
  const dialog = useRef(null);
  useEffect(() => {
    const shown = dialog.current;
    if (!shown.open) shown.showModal();
    shown.querySelector(".body :is(input, select, textarea)")?.focus();
    return () => shown.close();
  }, []);
  return html`<dialog ref=${dialog} aria-label=${title} onCancel=${onClose}
    onClick=${(event) => event.target === dialog.current && onClose()}>
    <div class="dialog">
      <header><h2>${title}</h2><button type="button" class="icon" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      <div class="body">${children}</div>
      ${actions && html`<footer>${actions}</footer>`}
    </div>
  </dialog>`;
}

/** A button that copies `text`. */
export function Copy({ text, label = "Copy" }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      toast("The browser does not let this page copy: select the text instead.", "bad");
    }
  };
  return html`<button type="button" class="button quiet small" onClick=${copy} aria-live="polite">${done ? "Copied" : label}</button>`;
}

const ICONS = {
  overview: "M4 19V11M10 19V5M16 19v-6M22 19H2",
  live: "M2 12h4l3-8 5 16 3-8h5",
  upstreams: "M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01",
  cache: "M4 6c0-4 16-4 16 0s-16 4-16 0v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0",
  keys: "M14.5 9.5a4.5 4.5 0 1 0-4 4.47L12 15.5h2v2h2v2h4v-3.5l-5.6-5.6zM8.5 8.5h.01",
  playground: "M7 4l12 8-12 8z",
  feedback: "M7 11v9H3v-9zM7 11l4-8c3 0 3 2 2 6h6c2 0 2 1 2 2l-2 7c0 1-1 2-2 2H7",
  learning: "M3 17l6-6 4 4 8-9M15 6h6v6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5",
  system: "M3 5h18v11H3zM8 20h8M12 16v4",
  refresh: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  out: "M10 4H4v16h6M15 8l4 4-4 4M19 12H9",
  close: "M6 6l12 12M18 6L6 18",
  pause: "M8 5v14M16 5v14",
  up: "M7 11v9H3v-9zM7 11l4-8c3 0 3 2 2 6h6c2 0 2 1 2 2l-2 7c0 1-1 2-2 2H7",
  down: "M7 13V4H3v9zM7 13l4 8c3 0 3-2 2-6h6c2 0 2-1 2-2l-2-7c0-1-1-2-2-2H7",
  back: "M19 12H5M11 6l-6 6 6 6",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
};

/** A drawn sign; it says nothing to screen readers. */
export function Icon({ name }) {
  return html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

let show = () => {};

/** Say something shortly at the page's edge; `kind` is "good" or "bad". */
export function toast(text, kind = "good") {
  show({ text, kind, id: performance.now() });
}

/** Where toasts appear. */
export function Toasts() {
  const [said, setSaid] = useState([]);
  useEffect(() => {
    show = (toasted) => {
      setSaid((was) => [...was.slice(-2), toasted]);
      setTimeout(() => setSaid((was) => was.filter((each) => each.id !== toasted.id)), 5000);
    };
    return () => {
      show = () => {};
    };
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${said.map((each) => html`<p key=${each.id} class=${each.kind}>${each.text}</p>`)}
  </div>`;
}
