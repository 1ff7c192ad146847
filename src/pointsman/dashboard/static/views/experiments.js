// Experiments: two deployments or two versions on a share of the traffic, and what is known of them.

import { get, post } from "../api.js";
import { useDeployments } from "../decision.js";
import { useFigures } from "../figures.js";
import { Difference, Intervals } from "../intervals.js";
import { Badge, Button, Card, Dialog, Empty, ErrorBox, Field, Table, Time, count, money, ms, percent, toast } from "../ui.js";
import { html, useState } from "../vendor/preact.js";

const START = "pointsman experiment start --a ONE --b OTHER --share 0.2";
const MEASURES = [
  { name: "quality", label: "Quality, 0 to 1", good: "up", format: (value) => value.toFixed(2) },
  { name: "cost", label: "Cost of a request", good: "down", format: money },
  { name: "latency_ms", label: "Time of a request", good: "down", format: (value) => (value < 0 ? `−${ms(-value)}` : ms(value)) },
];

/** All of them; those that run with their figures. */
async function askExperiments() {
  const { data } = await get("/v1/experiments");
  return Promise.all(data.map((each) => (each.state === "running" ? get(`/v1/experiments/${each.id}`) : each)));
}

const sidesOf = (row) => [
  { name: `a: ${row.a}`, side: row.figures.a },
  { name: `b: ${row.b}`, side: row.figures.b },
];

/** Both sides of each measure on one scale, and how they differ. */
function Figures({ row }) {
  const { figures } = row;
  const counts = sidesOf(row).map(({ name, side }) => `${name} ${count(side.requests)} requests in ${count(side.conversations)} conversations${
    side.failed ? `, ${count(side.failed)} failed` : ""}${side.fallen_back ? `, ${count(side.fallen_back)} answered by another` : ""}`);
  return html`<p class="verdict" aria-live="polite">${figures.verdict}</p>
    <div class="grid measures">${MEASURES.map(({ name, label, good, format }) => html`<div key=${name}>
      <h3>${label}</h3>
      <${Intervals} rows=${sidesOf(row).map(({ name: side, side: of }) => ({ name: side, interval: of[name] }))} format=${format} />
      <p class="between"><span class="muted">b less a</span> <${Difference} interval=${figures.difference[name]} good=${good} format=${format} /></p>
    </div>`)}</div>
    <p class="muted">${counts.join("; ")}. Intervals of 95 %, whenever you look.</p>`;
}

function Running({ row, isAdmin, onStop }) {
  return html`<article class="experiment" aria-label=${row.name} data-experiment-id=${row.id}>
    <div class="row spread"><h3>${row.name}</h3>
      ${isAdmin && html`<${Button} class="small" kind="danger" aria-label=${`Stop ${row.name}`} onClick=${() => onStop(row)}>Stop<//>`}</div>
    <p class="row muted"><${Badge} kind="good">running<//><span>since <${Time} value=${row.started} />, ${percent(row.share)} of the conversations${
      row.organisation ? ` of ${row.organisation}` : ""}${row.until_decided ? ", until it is decided" : ""}</span><code>${row.id}</code></p>
    ${row.note && html`<p class="warn-text">${row.note}</p>`}
    ${row.figures ? html`<${Figures} row=${row} />` : html`<p class="muted">Its figures are of the whole organisation, and this key sees its own requests.</p>`}
  </article>`;
}

const ENDED = [
  { key: "name", label: "Experiment", render: (row) => html`<b>${row.name}</b><span class="below mono">${row.id}</span>` },
  { key: "sides", label: "a / b", hide: "phone", render: (row) => `${row.a} / ${row.b}` },
  { key: "stopped", label: "Ended", render: (row) => html`<${Time} value=${row.stopped} />` },
  { key: "reason", label: "Why", render: (row) => html`<span class="comment">${row.reason}</span>` },
];

/** What a side can be: [{value, label}]. */
function choices(of, deployments, versions) {
  if (of === "versions") return ["shipped", ...versions.map((each) => each.id)].map((value) => ({ value, label: value }));
  return Object.values(deployments).map(({ deployment, tier }) => ({ value: deployment, label: `${deployment} (${tier})` }));
}

function Start({ versions, onClose, onDone }) {
  const deployments = useDeployments();
  const [form, setForm] = useState({ of: "deployments", a: "", b: "", name: "", percent: "20", until_decided: false });
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const set = (name) => ({ target }) => setForm((was) => ({ ...was, [name]: target.type === "checkbox" ? target.checked : target.value }));
  const send = (event) => {
    event.preventDefault();
    setBusy(true);
    const { percent: part, ...wish } = form;
    post("/v1/experiments", { ...wish, name: wish.name.trim(), share: Number(part) / 100 }).then(onDone, (problem) => (setError(problem), setBusy(false)));
  };
  const options = choices(form.of, deployments, versions);
  const side = (name, label) => html`<${Field} label=${label}>${(id) => html`<select id=${id} required value=${form[name]} onChange=${set(name)}>
    <option value="">Choose</option>${options.map(({ value, label: words }) => html`<option key=${value} value=${value}>${words}</option>`)}</select>`}<//>`;
  const tiers = [form.a, form.b].map((name) => deployments[name]?.tier);
  return html`<${Dialog} title="Start an experiment" onClose=${onClose}><form class="stack" onSubmit=${send}>
    <${ErrorBox} error=${error} />
    <${Field} label="Compare">${(id) => html`<select id=${id} value=${form.of} onChange=${(event) => setForm((was) => ({ ...was, of: event.target.value, a: "", b: "" }))}>
      <option value="deployments">two deployments</option><option value="versions">two learned versions</option></select>`}<//>
    <div class="pair">${side("a", "a, as it is now")}${side("b", "b, what might be better")}</div>
    ${tiers.every(Boolean) && tiers[0] !== tiers[1] && html`<p class="warn-text">They are of different tiers: requests that would go to either of the two are shared between both.</p>`}
    <div class="pair">
      <${Field} label="Conversations, in per cent" hint="Half of these on each side; the rest goes on as it is.">${(id) => html`<input id=${id} type="number"
        min="0.1" max="100" step="any" required value=${form.percent} onInput=${set("percent")} />`}<//>
      <${Field} label="Name (optional)">${(id) => html`<input id=${id} type="text" maxlength="100" autocomplete="off" value=${form.name} onInput=${set("name")} />`}<//>
    </div>
    <${Field} inline label="Stop as soon as one is known to be better">${(id) => html`<input id=${id} type="checkbox" checked=${form.until_decided} onChange=${set("until_decided")} />`}<//>
    <div class="row spread"><${Button} kind="quiet" onClick=${onClose}>Cancel<//><${Button} kind="primary" type="submit" busy=${isBusy}>Start<//></div>
  </form><//>`;
}

function Stop({ row, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const [error, setError] = useState(null);
  const stop = () => post(`/v1/experiments/${row.id}/stop`, { reason: reason.trim() }).then(onDone, setError);
  return html`<${Dialog} title=${`Stop ${row.name}`} onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Let it run<//><${Button} kind="danger" onClick=${stop}>Stop the experiment<//>`}>
    <${ErrorBox} error=${error} />
    <p>From the next request on, everything goes again where it would without it. What it showed stays.</p>
    <${Field} label="Why (optional)">${(id) => html`<input id=${id} type="text" maxlength="500" autocomplete="off" value=${reason} onInput=${(event) => setReason(event.target.value)} />`}<//>
  <//>`;
}

export function Experiments({ isAdmin, versions }) {
  const [doing, setDoing] = useState(null);
  const { data, error, again } = useFigures(askExperiments, doing ? 0 : 15_000);
  const close = () => setDoing(null);
  const done = (words) => () => {
    close();
    toast(words);
    again();
  };
  const running = (data ?? []).filter((each) => each.state === "running");
  const ended = (data ?? []).filter((each) => each.state === "stopped");
  const start = isAdmin && html`<${Button} kind=${running.length ? "" : "primary"} onClick=${() => setDoing({ what: "start" })}>Start an experiment<//>`;
  return html`<${Card} title="Experiments" actions=${start}
    hint="Two deployments or two versions on a share of the conversations, drawn at random. A conversation stays on its side. Only requests that both could serve take part.">
    <${ErrorBox} error=${error} retry=${again} />
    ${data && !data.length && html`<${Empty} title="No experiment yet" command=${START}>Which of two deployments is the better one for your traffic? Start one here,
      or on the command line:<//>`}
    ${running.map((row) => html`<${Running} key=${row.id} row=${row} isAdmin=${isAdmin} onStop=${() => setDoing({ what: "stop", row })} />`)}
    ${ended.length > 0 && html`<${Table} caption="Experiments that have ended" columns=${ENDED} rows=${ended} rowKey=${(row) => row.id}
      rowProps=${(row) => ({ "data-experiment-id": row.id })} />`}
    ${doing?.what === "start" && html`<${Start} versions=${versions} onClose=${close} onDone=${done("It runs.")} />`}
    ${doing?.what === "stop" && html`<${Stop} row=${doing.row} onClose=${close} onDone=${done("Stopped.")} />`}
  <//>`;
}
