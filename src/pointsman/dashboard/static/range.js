// The span of time that every view looks at.
import { html, useState } from "./vendor/preact.js";
import { Button, Dialog, Field, keep, kept } from "./ui.js";

const MINUTE = 60_000;

/** The spans on offer, in minutes. */
export const SPANS = { "15 m": 15, "1 h": 60, "24 h": 1440, "7 d": 10_080, "30 d": 43_200 };

/** The span that was looked at last; a day at first. */
export function firstRange() {
  return rangeOf(kept("range") ?? "24 h");
}

/** The span called `name` that ends now: {name, since, until}, times in ISO 8601. */
export function rangeOf(name) {
  const known = name in SPANS ? name : "24 h";
  const until = Date.now();
  return { name: known, since: iso(until - SPANS[known] * MINUTE), until: iso(until) };
}

/** The same span, up to now; one that was picked by hand stays. */
export const renewed = (range) => (range.name in SPANS ? rangeOf(range.name) : range);

const iso = (at) => new Date(at).toISOString();

/** As `<input type="datetime-local">` wants it, in local time. */
function local(at) {
  const date = new Date(at);
  return new Date(date - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

/** The control in the page's head. */
export function RangePicker({ range, onChange }) {
  const [isOpen, setOpen] = useState(false);
  const choose = (event) => {
    const name = event.target.value;
    if (name === "custom") {
      setOpen(true);
      event.target.value = range.name;
      return;
    }
    keep("range", name);
    onChange(rangeOf(name));
  };
  return html`<div class="range">
    <label class="unseen" for="range">Time range</label>
    <select id="range" value=${range.name} onChange=${choose}>
      ${Object.keys(SPANS).map((name) => html`<option key=${name} value=${name}>Last ${name}</option>`)}
      ${!(range.name in SPANS) && html`<option value=${range.name}>${range.name}</option>`}
      <option value="custom">Custom…</option>
    </select>
    ${isOpen && html`<${Custom} range=${range} onClose=${() => setOpen(false)} onChange=${onChange} />`}
  </div>`;
}

function Custom({ range, onClose, onChange }) {
  const [since, setSince] = useState(local(range.since));
  const [until, setUntil] = useState(local(range.until));
  const isWrong = !since || !until || since >= until;
  const apply = () => {
    const shown = (text) => text.replace("T", " ");
    onChange({ name: `${shown(since)} – ${shown(until)}`, since: iso(new Date(since)), until: iso(new Date(until)) });
    onClose();
  };
  return html`<${Dialog} title="Time range" onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Cancel</${Button}><${Button} kind="primary" disabled=${isWrong} onClick=${apply}>Apply</${Button}>`}>
    <div class="pair">
      <${Field} label="From">${(id) => html`<input id=${id} type="datetime-local" value=${since} onInput=${(event) => setSince(event.target.value)} />`}</${Field}>
      <${Field} label="To">${(id) => html`<input id=${id} type="datetime-local" value=${until} onInput=${(event) => setUntil(event.target.value)} />`}</${Field}>
    </div>
    ${isWrong && html`<p class="warn-text">The start has to be before the end.</p>`}
  </${Dialog}>`;
}
