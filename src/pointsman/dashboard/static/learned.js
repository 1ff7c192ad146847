// What learning had to do with one request.
import { html } from "./vendor/preact.js";
import { Badge, Card, money, percent } from "./ui.js";

/** Nothing where learning had no part in it. */
export function Learned({ entry }) {
  const { learning, signals } = entry;
  if (!learning) return null;
  const chances = Object.entries(learning.propensities ?? {});
  const facts = [
    ["Version", learning.version],
    ["Score before", learning.cold?.toFixed(1)],
    ["Score", entry.score?.toFixed(1)],
    ["Explored at", learning.explored && learning.extra != null && `${money(learning.extra)} more`],
    ["Experiment", learning.experiment && html`<a href="#/learning">${learning.experiment}</a>, side ${learning.variant}`],
  ].filter(([, value]) => value);
  return html`<${Card} title="Learning" hint="The score before and with what was learned from earlier answers, and how likely each tier was to be chosen: that makes it possible to learn from this answer.">
    ${learning.explored && html`<p class="row"><${Badge} kind="accent">explored<//><span>Another tier was drawn, to learn how it does.</span></p>`}
    <dl class="about first">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${chances.length > 0 && html`<h3 class="sub">How likely each tier was</h3><${Bars} rows=${chances} />`}
    ${signals && Object.keys(signals).length > 0 && html`<h3 class="sub">Signals, from 0 against the answer to 1 for it</h3><${Bars} rows=${Object.entries(signals)} isPlain />`}
  <//>`;
}

function Bars({ rows, isPlain }) {
  return html`<dl class="chances">${rows.map(([name, value]) => html`<dt key=${`${name} name`}>${name.replaceAll("_", " ")}</dt>
    <dd key=${name}><span class="portion" aria-hidden="true"><i class="on" style=${{ width: `${100 * value}%` }}></i></span>
      <span class="num">${isPlain ? value.toFixed(2) : percent(value, 1)}</span></dd>`)}</dl>`;
}
