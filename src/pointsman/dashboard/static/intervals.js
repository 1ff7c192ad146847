// Values with what is known of them: intervals as bars on a scale that those beside each other share.
import { html } from "./vendor/preact.js";
import { Badge } from "./ui.js";

const known = (interval) => interval?.value != null;
const bounded = (interval) => interval?.low != null && interval?.high != null;

/** `0.71 (0.66 to 0.76)`, as `format` writes each. */
export function said(interval, format) {
  if (!known(interval)) return "not known yet";
  return bounded(interval) ? `${format(interval.value)} (${format(interval.low)} to ${format(interval.high)})` : format(interval.value);
}

/** From where to where a scale reaches that has zero and all of them on it. */
function scaleOf(intervals) {
  const ends = intervals.filter(known).flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const [least, most] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const span = most - least || 1;
  return (value) => `${(100 * (value - least)) / span}%`;
}

/** One row for each: [{name, interval, note?}], on one scale, or each on its own where they are `apart`. */
export function Intervals({ rows, format, apart = false }) {
  const shared = scaleOf(rows.map((row) => row.interval));
  return html`<div class="intervals">${rows.map((row) => html`<${Interval} key=${row.name} ...${row} at=${apart ? scaleOf([row.interval]) : shared} format=${format} />`)}</div>`;
}

function Interval({ name, interval, note, at, format }) {
  return html`<div class="interval" role="group" aria-label=${name}>
    <span class="of">${name}</span>
    <span class="lane" aria-hidden="true">
      <i class="zero" style=${{ left: at(0) }}></i>
      ${bounded(interval) && html`<i class="reach" style=${{ left: at(interval.low), right: `calc(100% - ${at(interval.high)})` }}></i>`}
      ${known(interval) && html`<i class="point" style=${{ left: at(interval.value) }}></i>`}
    </span>
    <span class="num">${said(interval, format)}${note && html` <small>${note}</small>`}</span>
  </div>`;
}

/** What a difference says: which way it is for certain; `good` is which way is better, "up" or "down". */
export function Difference({ interval, good, format }) {
  if (!known(interval)) return html`<span class="muted">not known yet</span>`;
  const sure = bounded(interval) && (interval.low > 0 || interval.high < 0);
  const isBetter = (interval.value > 0 ? "up" : "down") === good;
  const signed = (value) => `${value > 0 ? "+" : ""}${format(value)}`;
  return html`<span class="num">${said(interval, signed)}</span> ${sure
    ? html`<${Badge} kind=${isBetter ? "good" : "bad"}>${isBetter ? "better" : "worse"}<//>`
    : html`<${Badge}>not certain<//>`}`;
}

const isInterval = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && "low" in value && "high" in value;
const words = (name) => name.replaceAll("_", " ");
const rounded = (value) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value));

/** Everything in a JSON value: {intervals: [{name, interval}], facts: [[name, text]]}, names as paths. */
function spread(value, path = []) {
  const found = { intervals: [], facts: [] };
  for (const [key, each] of Object.entries(value ?? {})) {
    const name = [...path, words(key)].join(" · ");
    if (isInterval(each)) found.intervals.push({ name, interval: { ...each, value: each.value ?? each.estimate ?? null } });
    else if (Array.isArray(each)) {
      if (each.length && each.every((one) => typeof one !== "object")) found.facts.push([name, each.map(rounded).join(", ")]);
    } else if (typeof each === "object" && each !== null) {
      const inside = spread(each, [...path, words(key)]);
      found.intervals.push(...inside.intervals);
      found.facts.push(...inside.facts);
    } else if (each !== null && each !== "") found.facts.push([name, rounded(each)]);
  }
  return found;
}

/** What a change was made on: its intervals as bars, the rest as names and values. */
export function Evidence({ evidence }) {
  const { intervals, facts } = spread(evidence);
  if (!intervals.length && !facts.length) return null;
  return html`<details class="evidence"><summary>Evidence</summary>
    <${Intervals} rows=${intervals} format=${rounded} apart />
    ${facts.length > 0 && html`<dl class="facts">${facts.map(([name, text]) => html`<dt key=${`${name} name`}>${name}</dt><dd key=${name}>${text}</dd>`)}</dl>`}
  </details>`;
}
