// Cache: how often it answers, how alike the prompts were, what it holds, and how to make it forget.

import { del, get } from "../api.js";
import { Chart } from "../charts.js";
import { Figure, bounds, bytes, useFigures, useRange } from "../figures.js";
import { ago, count, money, percent } from "../format.js";
import { Badge, Button, Card, Dialog, Empty, ErrorBox, Field, Money, Table, Time, manages, toast } from "../ui.js";
import { html, useCallback, useMemo, useState } from "../vendor/preact.js";

const PAGE = 20;
/** Hits of each kind that are read. */
const HITS_READ = 50;
const MOST = 1000;
/** Hits that are shown at first. */
const FEW = 10;
const FILTERS = [
  ["organisation", "Organisation"],
  ["route", "Asked for"],
  ["deployment", "Deployment"],
  ["tag", "Tag"],
  ["scope", "Scope (a key)"],
];
const BINS = 20;
const CHECKED =
  "Some semantic hits are asked of the model as well, and the two replies compared. " +
  "A route with surely too many false hits loses the semantic tier.";

function Totals({ stats }) {
  const { requests, hit_rate: rate } = stats;
  return html`<dl class="card stats" aria-live="polite">
    <${Figure} name="Hit rate" value=${percent(rate.overall, 1)}>of what was looked up<//>
    <${Figure} name="Exact" value=${percent(rate.exact, 1)}>${count(requests.exact)} requests<//>
    <${Figure} name="Semantic" value=${percent(rate.semantic, 1)}>${count(requests.semantic)} requests<//>
    <${Figure} name="Not looked up" value=${count(requests.bypass)}>requests<//>
    <${Figure} name="Saved" value=${money(stats.saved)}>what hits would have cost on the baseline<//>
    <${Figure} name="Held" value=${count(stats.replies)}>replies, ${bytes(stats.bytes)}<//>
  </dl>`;
}

function NotKept({ reasons }) {
  const rows = Object.entries(reasons);
  if (!rows.length) return null;
  return html`<${Card} title="Not kept since the start" hint="Fresh replies that did not become cached ones, by why.">
    <${Table} caption="Replies that were not kept, by why" rows=${rows} rowKey=${([why]) => why}
      columns=${[
        { key: "why", label: "Why", render: ([why]) => why },
        { key: "count", label: "Replies", align: "end", render: ([, number]) => count(number) },
      ]} />
  <//>`;
}

const rateOf = ({ rate, low, high }) => `${percent(rate, 1)} (${percent(low, 1)} to ${percent(high, 1)})`;

function Truth({ routes, canReset, onReset }) {
  if (!routes.length) return null;
  const columns = [
    { key: "route", label: "Asked for" },
    { key: "on", label: "Semantic tier", render: (row) => html`<${Badge} kind=${row.on ? "good" : "bad"}>${row.on ? "on" : "off"}<//> ${row.why}` },
    { key: "checks", label: "Checked", align: "end", render: (row) => count(row.checks) },
    { key: "false", label: "False", align: "end", render: (row) => count(row.false) },
    { key: "rate", label: "Rate (95 %)", align: "end", render: rateOf },
    { key: "bound", label: "Bound", align: "end", render: (row) => percent(row.bound, 1) },
    { key: "threshold", label: "Threshold", align: "end", render: (row) => row.threshold.toFixed(2) },
    { key: "complaints", label: "Complaints", align: "end" },
  ];
  if (canReset) {
    const reset = ({ route }) =>
      html`<${Button} kind="quiet" aria-label=${`Begin anew with ${route}`} onClick=${() => onReset(route)}>Begin anew<//>`;
    columns.push({ key: "do", label: "Action", render: reset });
  }
  return html`<${Card} title="False hits" hint=${CHECKED}>
    <${Table} caption="Semantic hits that were checked, by what was asked for" columns=${columns} rows=${routes} rowKey=${(row) => row.route} />
  <//>`;
}

const HITS = [
  { key: "time", label: "Time", render: (row) => html`<a href=${`#/request/${row.request_id}`}><${Time} value=${row.time} /></a>` },
  { key: "cache", label: "Hit", render: (row) => html`<${Badge} kind="cache">${row.cache}<//>` },
  { key: "similarity", label: "Similarity", align: "end", render: (row) => row.lookup.similarity?.toFixed(3) ?? "same" },
  { key: "probability", label: "Serves", align: "end", render: (row) => (row.lookup.probability == null ? "certain" : percent(row.lookup.probability)) },
  { key: "age", label: "Age", align: "end", render: (row) => (row.lookup.age_s == null ? "–" : `${count(Math.round(row.lookup.age_s))} s`) },
  { key: "asked", label: "Asked for", render: (row) => row.model_asked },
  { key: "saved", label: "Saved", align: "end", render: (row) => html`<${Money} value=${row.saved} />` },
];

function Show({ id, onShow }) {
  return html`<${Button} kind="quiet" aria-label=${`Show the reply ${id}`} onClick=${() => onShow(id)}>Show<//>`;
}

/** How many semantic hits had which similarity, in bins of 0.01 from 0.8. */
function similarities(hits) {
  const counts = Array(BINS).fill(0);
  for (const { lookup } of hits) {
    if (lookup.similarity != null) counts[Math.min(BINS - 1, Math.max(0, Math.floor((lookup.similarity - 0.8) * 100)))] += 1;
  }
  return counts;
}

function Hits({ range, onShow, canShow }) {
  const exact = useRange("/v1/decisions", range, { cache: "exact", limit: HITS_READ });
  const semantic = useRange("/v1/decisions", range, { cache: "semantic", limit: HITS_READ });
  const hits = useMemo(
    () => [...(exact.data?.data ?? []), ...(semantic.data?.data ?? [])].sort((one, other) => (one.time < other.time ? 1 : -1)),
    [exact.data, semantic.data],
  );
  const alike = useMemo(() => similarities(semantic.data?.data ?? []), [semantic.data]);
  const columns = canShow
    ? [...HITS, { key: "reply", label: "Reply", render: ({ lookup }) => lookup.id && html`<${Show} id=${lookup.id} onShow=${onShow} />` }]
    : HITS;
  const [isLong, setLong] = useState(false);
  const shown = isLong ? hits : hits.slice(0, FEW);
  const x = useMemo(() => alike.map((_, at) => 80 + at), [alike]);
  return html`<${Card} title="Latest hits">
    <${ErrorBox} error=${exact.error ?? semantic.error} />
    ${semantic.data?.data.length > 0 &&
    html`<${Chart} label="Semantic hits by similarity, in hundredths" xNames="number" first="Similarity" height=${120}
      x=${x} step=${1} format=${count}
      series=${[{ label: "semantic hits", colour: "cache-ink", values: alike, total: semantic.data.data.length }]} />`}
    ${hits.length
      ? html`<${Table} caption="Requests that the cache answered, the newest first" columns=${columns} rows=${shown}
          rowKey=${(row) => row.request_id} rowProps=${(row) => ({ "data-request-id": row.request_id })} />
          ${shown.length < hits.length && html`<${Button} class="more" onClick=${() => setLong(true)}>Show ${hits.length - shown.length} more<//>`}`
      : exact.data && html`<p class="muted">No request was answered from the cache in this range.</p>`}
  <//>`;
}

function Reply({ id, onClose, onForgotten }) {
  const ask = useCallback(() => get(`/v1/cache/${encodeURIComponent(id)}`), [id]);
  const { data, error } = useFigures(ask, 0);
  const forget = async () => {
    try {
      await del(`/v1/cache/${encodeURIComponent(id)}`);
      toast("Forgotten.");
      onForgotten();
    } catch (problem) {
      toast(problem.message, "bad");
    }
  };
  return html`<${Dialog} title="Cached reply" onClose=${onClose}
    actions=${data && html`<${Button} kind="danger" onClick=${forget}>Forget this reply<//>`}>
    <${ErrorBox} error=${error} />
    ${data &&
    html`<dl class="facts">
        <dt>Id</dt><dd>${data.id}</dd>
        <dt>From</dt><dd>${data.deployment} (${data.tier}), asked for ${data.route}</dd>
        <dt>Request</dt><dd><a href=${`#/request/${data.request_id}`}>${data.request_id}</a></dd>
        <dt>Kept</dt><dd><${Time} value=${data.stored} />, until <${Time} value=${data.expires} /></dd>
        <dt>Hits</dt><dd>${data.hits}</dd>
        <dt>Tags</dt><dd>${data.tags.join(", ") || "none"}</dd>
      </dl>
      ${data.turn && html`<h3>Asked</h3><pre class="words" tabindex="0">${data.turn}</pre>`}
      <h3>Answered</h3><pre class="words" tabindex="0">${data.text}</pre>`}
  <//>`;
}

function Forget({ filters, held, onClose, onForgotten }) {
  const named = Object.entries(filters);
  const what = named.length ? named.map(([name, value]) => `${name} ${value}`).join(", ") : "everything";
  const forget = async () => {
    try {
      const { removed } = await del("/v1/cache", named.length ? filters : { all: "true" });
      toast(`${count(removed)} replies forgotten.`);
      onForgotten();
    } catch (problem) {
      toast(problem.message, "bad");
      onClose();
    }
  };
  return html`<${Dialog} title="Forget cached replies" onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Keep them<//>
      <${Button} kind="danger" onClick=${forget}>Forget ${count(held)} replies<//>`}>
    <p>This forgets ${what}: ${count(held)} replies. The next requests for them are asked of a model again.</p>
  <//>`;
}

function Held({ onShow, turn }) {
  const [filters, setFilters] = useState({});
  const [limit, setLimit] = useState(PAGE);
  const [isForgetting, setForgetting] = useState(false);
  const ask = useCallback(() => get("/v1/cache", { ...filters, limit }), [JSON.stringify(filters), limit, turn]);
  const { data, error, again } = useFigures(ask);
  const isFiltered = Object.keys(filters).length > 0;
  const change = (name) => (event) => {
    const { [name]: _, ...others } = filters;
    const { value } = event.target;
    setFilters(value ? { ...others, [name]: value } : others);
  };
  const columns = [
    { key: "stored", label: "Kept", render: (row) => ago(row.stored) },
    { key: "route", label: "Asked for" },
    { key: "deployment", label: "From", render: (row) => `${row.deployment} (${row.tier})` },
    { key: "organisation", label: "Organisation", hide: "phone" },
    { key: "hits", label: "Hits", align: "end", render: (row) => count(row.hits) },
    { key: "cost", label: "A hit saves", align: "end", render: (row) => html`<${Money} value=${row.cost} />` },
    { key: "tags", label: "Tags", hide: "phone", render: (row) => row.tags.join(", ") || "–" },
    { key: "do", label: "Reply", render: (row) => html`<${Show} id=${row.id} onShow=${onShow} />` },
  ];
  return html`<${Card} title="What it holds"
    actions=${data?.count > 0 && html`<${Button} kind="danger" onClick=${() => setForgetting(true)}>${isFiltered ? "Forget what fits" : "Forget all"}<//>`}>
    <div class="filters">
      ${FILTERS.map(
        ([name, label]) => html`<${Field} key=${name} label=${label}>
          ${(id) => html`<input id=${id} type="text" value=${filters[name] ?? ""} onInput=${change(name)} />`}
        <//>`,
      )}
    </div>
    <${ErrorBox} error=${error} retry=${again} />
    ${data && !data.count && html`<p class="muted">${isFiltered ? "Nothing fits." : "Nothing yet: a finished reply is kept by itself."}</p>`}
    ${data && data.count > 0 &&
    html`<p class="muted">${count(data.data.length)} of ${count(data.count)} replies, ${bytes(data.size)} in all, the newest first.</p>
      <${Table} caption="Cached replies, the newest first" columns=${columns} rows=${data.data} rowKey=${(row) => row.id}
        rowProps=${(row) => ({ "data-reply-id": row.id })} />
      ${data.data.length < data.count && limit < MOST && html`<${Button} class="more" onClick=${() => setLimit(Math.min(MOST, limit * 2))}>Show more<//>`}`}
    ${isForgetting &&
    html`<${Forget} filters=${filters} held=${data.count} onClose=${() => setForgetting(false)}
      onForgotten=${() => (setForgetting(false), again())} />`}
  <//>`;
}

const TWICE = `for i in 1 2; do curl -s ${location.origin}/v1/chat/completions -o /dev/null \\
  -D - -H 'content-type: application/json' \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}' | grep x-pointsman-cache; done`;

export default function Cache({ session, range }) {
  const [shown, setShown] = useState(null);
  const [turn, setTurn] = useState(0);
  const isAdmin = manages(session);
  const ask = useCallback(() => get("/v1/analytics/cache-stats", { since: bounds(range).since }), [range.since, turn]);
  const { data, error, again } = useFigures(ask);
  const reset = async (route) => {
    try {
      await del(`/v1/analytics/cache-stats/${encodeURIComponent(route)}`);
      toast(`${route} begins anew.`);
      again();
    } catch (problem) {
      toast(problem.message, "bad");
    }
  };
  const forgotten = () => {
    setShown(null);
    setTurn((before) => before + 1);
  };
  const isEmpty = data && !data.replies && !data.requests.exact && !data.requests.semantic;
  return html`<div data-view="cache">
    <${ErrorBox} error=${error} retry=${again} />
    ${isEmpty && html`<${Empty} title="The cache is empty" command=${TWICE}>Ask the same twice; the second answer comes out of it:<//>`}
    ${data && html`<${Totals} stats=${data} />
      <${Truth} routes=${data.routes} canReset=${isAdmin} onReset=${reset} />`}
    <${Hits} range=${range} onShow=${setShown} canShow=${isAdmin} />
    ${isAdmin && html`<${Held} onShow=${setShown} turn=${turn} />`}
    ${data && html`<${NotKept} reasons=${data.not_kept} />`}
    ${shown && html`<${Reply} id=${shown} onClose=${() => setShown(null)} onForgotten=${forgotten} />`}
  </div>`;
}
