// Upstreams: who is up, warming or down, what is loaded there, and what went wrong.

import { get } from "../api.js";
import { useFigures, useRange } from "../figures.js";
import { ago, count, money } from "../format.js";
import { Badge, Card, Empty, ErrorBox, Table, Time } from "../ui.js";
import { html } from "../vendor/preact.js";

const AGAIN_MS = 5000;
const STATES = { up: "good", warming: "warn", down: "bad", unknown: "plain" };
const BREAKERS = { closed: "good", "half-open": "warn", open: "bad" };

const askUpstreams = () => get("/v1/upstreams");

function Price({ price }) {
  if (!price) return html`<span class="muted">unknown</span>`;
  return html`${money(price.input)} / ${money(price.output)}`;
}

const UPSTREAMS = [
  {
    key: "deployment",
    label: "Deployment",
    render: (row) => html`<b>${row.deployment}</b><span class="below whole" title=${row.model}>${row.provider} · ${row.model}</span>`,
  },
  {
    key: "state",
    label: "State",
    render: (row) => html`<${Badge} kind=${STATES[row.state]}>${row.state}<//>
      ${row.detail && html`<span class="below">${row.detail}</span>`}`,
  },
  { key: "breaker", label: "Breaker", render: (row) => html`<${Badge} kind=${BREAKERS[row.breaker]}>${row.breaker}<//>` },
  { key: "tier", label: "Tier", render: (row) => row.tier },
  { key: "location", label: "Location", render: (row) => html`<${Badge} kind=${row.location}>${row.location}<//>` },
  { key: "loaded_model", label: "Loaded model", render: (row) => row.loaded_model ?? "–" },
  { key: "context", label: "Context", align: "end", hide: "phone", render: (row) => row.context?.toLocaleString("en-US") ?? "–" },
  { key: "in_flight", label: "In flight", align: "end", render: (row) => `${row.in_flight}${row.waiting ? ` + ${row.waiting} waiting` : ""}` },
  { key: "per_million_in_out", label: "$ per million in / out", align: "end", render: (row) => html`<${Price} price=${row.price} />` },
  { key: "last_seen", label: "Last seen", render: (row) => html`<span class="whole">${ago(row.last_seen)}</span>` },
];

const ERRORS = [
  { key: "deployment", label: "Deployment", render: (row) => row.deployment ?? "none" },
  { key: "outcome", label: "Outcome", render: (row) => html`<${Badge} kind="bad">${row.outcome}<//>` },
  { key: "error", label: "Error", render: (row) => row.error ?? "–" },
  { key: "count", label: "Count", align: "end", render: (row) => count(row.count) },
  { key: "last", label: "Last", render: (row) => html`<${Time} value=${row.last} />` },
];

function Errors({ range }) {
  const { data, error } = useRange("/v1/stats/errors", range);
  return html`<${Card} title="Errors in the range">
    <${ErrorBox} error=${error} />
    ${data && !data.errors.length && html`<p class="muted">None among ${count(data.of)} requests.</p>`}
    ${data && data.errors.length > 0 &&
    html`<${Table} caption="Errors by deployment and kind" columns=${ERRORS} rows=${data.errors}
      rowKey=${(row) => `${row.deployment} ${row.outcome} ${row.error}`} />`}
    ${data && !data.complete && html`<p class="muted">Over the newest ${count(data.of)} requests of the range.</p>`}
  <//>`;
}

function Sum({ upstreams }) {
  const of = (state) => upstreams.filter((each) => each.state === state).length;
  const words = ["up", "warming", "down", "unknown"].map((state) => [state, of(state)]).filter(([, number]) => number);
  return html`<p aria-live="polite">
    ${words.map(([state, number]) => html`<${Badge} key=${state} kind=${STATES[state]}>${number} ${state}<//> `)}
  </p>`;
}

export default function Upstreams({ range }) {
  const { data, error } = useFigures(askUpstreams, AGAIN_MS);
  const upstreams = data?.upstreams ?? [];
  return html`<div data-view="upstreams">
    <${ErrorBox} error=${error} />
    ${data && !upstreams.length &&
    html`<${Empty} title="No deployment is configured" command="pointsman init">Let Pointsman find what there is:<//>`}
    ${upstreams.length > 0 &&
    html`<${Sum} upstreams=${upstreams} />
      <${Card} title="Deployments">
        <${Table} caption="Deployments with their state, breaker, load and price" columns=${UPSTREAMS} rows=${upstreams}
          rowKey=${(row) => row.deployment} />
      <//>`}
    <${Errors} range=${range} />
  </div>`;
}
