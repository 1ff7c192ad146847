// Overview: what the range cost and saved, who answered, how fast, and where scores lie.

import { Chart, Shares } from "../charts.js";
import { Change, Figure, bounds, useRange } from "../figures.js";
import { count, money, ms, percent, sum } from "../format.js";
import { Badge, Card, Empty, ErrorBox, Table } from "../ui.js";
import { html, useMemo } from "../vendor/preact.js";

const TIER_COLOURS = ["tier-1", "tier-2", "tier-3", "tier-4"];
const FORMULA =
  "saved = baseline cost − cost. The baseline cost is what the same tokens would have cost on the baseline model. " +
  "The cost includes drafts, samples, the judge, embeddings and failed calls. " +
  "Requests whose price is unknown are in neither.";

/** One member of all points, as numbers. */
const column = (points, name) => points.map((point) => (point[name] == null ? null : Number(point[name])));

function Totals({ series, baseline }) {
  const { totals, before } = series;
  const change = (name, good) => before.requests > 0 && html` <${Change} now=${totals[name]} before=${before[name]} good=${good} />`;
  const share = (name) => percent(totals.requests ? totals[name] / totals.requests : null);
  const isKnown = totals.cost !== null;
  const savedShare = isKnown && Number(totals.baseline_cost) ? Number(totals.saved) / Number(totals.baseline_cost) : null;
  const failed = totals.failed ? html`<a href="#/upstreams">${count(totals.failed)} requests</a>` : "none";
  const saved = savedShare !== null && `${percent(Math.abs(savedShare))} ${savedShare < 0 ? "more" : "less"} than ${baseline}`;
  const unpriced = totals.unpriced > 0 && `without ${count(totals.unpriced)} of unknown price`;
  return html`<dl class="card stats totals" aria-live="polite">
    <${Figure} name="Requests" value=${count(totals.requests)}>${before.requests ? change("requests") : "none in the period before"}<//>
    <${Figure} name="Spent" value=${sum(totals.cost, totals.unpriced)}>${unpriced}${change("cost", "down")}<//>
    <${Figure} name="Saved" value=${isKnown ? money(totals.saved) : "unknown"} hint=${FORMULA}>${saved}${change("saved", "up")}<//>
    <${Figure} name="Local" value=${share("local")}>${count(totals.local)} requests${change("local")}<//>
    <${Figure} name="From the cache" value=${share("cached")}>${count(totals.cached)} requests${change("cached", "up")}<//>
    <${Figure} name="Failed" value=${share("failed")}>${failed}${change("failed", "down")}<//>
    <${Figure} name="Tokens in" value=${count(totals.input_tokens)}>${change("input_tokens")}<//>
    <${Figure} name="Tokens out" value=${count(totals.output_tokens)}>${change("output_tokens")}<//>
  </dl>`;
}

/** One member over time, and its sum. */
const part = ({ points, totals }, label, colour, name) => ({
  label,
  colour,
  values: column(points, name),
  total: column([totals], name)[0],
});

/** The same of money: where no price is known nothing is drawn, and a cost without some of them says so. */
function moneyPart({ points, totals }, label, colour, name) {
  const known = (sums) => (sums.cost === null ? { ...sums, [name]: null } : sums);
  const lacks = (sums) => sums.cost === null || (name === "cost" && sums.unpriced > 0);
  return {
    ...part({ points: points.map(known), totals: known(totals) }, label, colour, name),
    lacks: { values: points.map(lacks), total: lacks(totals) },
  };
}

/** Who answered; `other` is still open, or its client left. */
function requestParts(points, totals) {
  const other = (sums) => sums.requests - sums.local - sums.cloud - sums.cached - sums.failed;
  const parts = [
    part({ points, totals }, "local", "local-ink", "local"),
    part({ points, totals }, "cloud", "cloud-ink", "cloud"),
    part({ points, totals }, "cache", "cache-ink", "cached"),
    part({ points, totals }, "failed", "bad-ink", "failed"),
    { label: "open or left", colour: "baseline", values: points.map(other), total: other(totals) },
  ];
  const note = ({ total }) => percent(totals.requests ? total / totals.requests : null, 1);
  return parts.slice(0, parts.at(-1).total > 0 ? 5 : 4).map((each) => ({ ...each, note: note(each) }));
}

function Traffic({ series }) {
  const { points, totals, step_s: step } = series;
  const x = useMemo(() => points.map((point) => Date.parse(point.time) / 1000), [points]);
  const requests = useMemo(() => requestParts(points, totals), [points]);
  const costs = useMemo(
    () => [
      moneyPart(series, "cost", "cost", "cost"),
      { ...moneyPart(series, "baseline", "baseline", "baseline_cost"), dashed: true },
      moneyPart(series, "saved", "saved", "saved"),
    ],
    [points],
  );
  const tokens = useMemo(() => tokenParts(points, totals), [points]);
  return html`
    <${Card} title="Who answered">
      <${Shares} label="Shares of local, cloud, cache and failed"
        parts=${requests.map((each) => ({ label: each.label, colour: each.colour, value: each.total }))} />
      <${Chart} label="Requests over time" x=${x} step=${step} series=${requests} format=${count} />
    <//>
    <${Card} title="Cost against the baseline">
      <${Chart} label="Cost, baseline cost and savings over time, US dollars" kind="lines"
        x=${x} step=${step} series=${costs} format=${money} />
      <details class="formula"><summary>How savings are computed</summary><p>${FORMULA}</p></details>
    <//>
    <${Card} title="Tokens">
      <${Chart} label="Tokens over time" x=${x} step=${step} series=${tokens} format=${count} />
    <//>`;
}

/** Tokens that can stand on each other: cached ones are part of the input, reasoning is part of the output. */
function tokenParts(points, totals) {
  const less = (from, part) => Math.max(0, Number(from ?? 0) - Number(part ?? 0));
  const split = (label, colour, of) => ({ label, colour, values: points.map(of), total: of(totals) });
  return [
    split("input", "tokens-in", (each) => less(each.input_tokens, each.cached_tokens)),
    split("cached input", "cache-ink", (each) => Number(each.cached_tokens ?? 0)),
    split("output", "tokens-out", (each) => less(each.output_tokens, each.reasoning_tokens)),
    split("reasoning", "reasoning", (each) => Number(each.reasoning_tokens ?? 0)),
  ];
}

function Of({ figures, what }) {
  return html`<p class="muted">Over ${figures.complete ? "" : "the newest "}${count(figures.of)} ${what}.</p>`;
}

function Scores({ range }) {
  const { data, error } = useRange("/v1/stats/scores", range);
  const drawn = useMemo(() => {
    if (!data) return null;
    const named = data.thresholds.map((each) => each.tier);
    const seen = data.bins.flatMap((bin) => Object.keys(bin.requests));
    const tiers = [...new Set([...named, ...seen])];
    return {
      x: data.bins.map((bin) => bin.from),
      step: data.bins.length ? data.bins[0].to - data.bins[0].from : 5,
      marks: data.thresholds
        .filter(({ from }) => from > 0)
        .map(({ tier, from }) => ({ at: from, name: `${tier} from ${Number(from.toFixed(1))}` })),
      series: tiers.map((tier, order) => {
        const values = data.bins.map((bin) => bin.requests[tier] ?? 0);
        const total = values.reduce((sum, value) => sum + value, 0);
        return { label: tier, colour: TIER_COLOURS[order % TIER_COLOURS.length], values, total };
      }),
    };
  }, [data]);
  return html`<${Card} title="Scores and thresholds">
    <${ErrorBox} error=${error} />
    ${drawn &&
    html`<${Chart} label="Requests by score, 0 to 100, with the lowest score of each tier" xNames="number" first="Score"
        x=${drawn.x} step=${drawn.step} series=${drawn.series} marks=${drawn.marks} format=${count} />
      <${Of} figures=${data} what=${data.scorer ? `requests; those are drawn that ${data.scorer} scored` : "requests; none was scored"} />`}
  <//>`;
}

const Where = ({ location }) => location && html`<${Badge} kind=${location}>${location}<//>`;
const spread = (of, quantile) => (row) => ms(row[of]?.[quantile]);
const LATENCY = [
  { key: "deployment", label: "Deployment", render: (row) => html`${row.deployment} <${Where} location=${row.location} />` },
  { key: "tier", label: "Tier", render: (row) => row.tier },
  { key: "requests", label: "Requests", align: "end", render: (row) => count(row.requests) },
  { key: "p50", label: "p50", align: "end", render: spread("latency_ms", "p50") },
  { key: "p95", label: "p95", align: "end", render: spread("latency_ms", "p95") },
  { key: "p99", label: "p99", align: "end", render: spread("latency_ms", "p99") },
  { key: "first_byte_p50", label: "First byte p50", align: "end", render: spread("ttft_ms", "p50") },
  { key: "ttft95", label: "First byte p95", align: "end", render: spread("ttft_ms", "p95") },
  { key: "ttft99", label: "First byte p99", align: "end", render: spread("ttft_ms", "p99") },
  { key: "tokens_s", label: "Tokens/s", align: "end", render: ({ tokens_per_s: speed }) => count(speed && Math.round(speed)) },
];

function Latency({ range }) {
  const { data, error } = useRange("/v1/stats/latency", range);
  return html`<${Card} title="Latency by model">
    <${ErrorBox} error=${error} />
    ${data &&
    html`<${Table} caption="Milliseconds until the end, and until the first byte, by deployment" columns=${LATENCY}
        rows=${data.deployments} rowKey=${(row) => row.deployment} />
      <${Of} figures=${data} what="requests" />`}
  <//>`;
}

const COSTS = [
  { key: "model", label: "Model", render: (row) => row.name },
  { key: "requests", label: "Requests", align: "end", render: (row) => count(row.requests) },
  { key: "cost", label: "Cost", align: "end", render: (row) => `${row.estimated ? "~" : ""}${sum(row.cost, row.unpriced)}` },
  { key: "saved", label: "Saved", align: "end", render: (row) => (row.cost === null ? "unknown" : money(row.saved)) },
  { key: "unpriced", label: "Unpriced", align: "end", render: (row) => (row.unpriced ? count(row.unpriced) : "–") },
];

function Costs({ range }) {
  const { data, error } = useRange("/v1/stats/cost", range, { by: "deployment" });
  const file = (format) => `/v1/export?${new URLSearchParams({ format, ...bounds(range) })}`;
  const files = html`<a class="button small" href=${file("csv")} download="">CSV<span class="unseen"> of the range's requests</span></a>
    <a class="button small" href=${file("jsonl")} download="">JSON lines<span class="unseen"> of the range's requests</span></a>`;
  return html`<${Card} title="Cost by model" actions=${files}>
    <${ErrorBox} error=${error} />
    ${data &&
    html`<${Table} caption="Requests, cost and savings by the model that answered" columns=${COSTS}
      rows=${data.by.deployment} rowKey=${(row) => row.name} />`}
  <//>`;
}

const FIRST = `curl ${location.origin}/v1/chat/completions \\
  -H 'content-type: application/json' \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`;

export default function Overview({ session, range }) {
  const { data, error } = useRange("/v1/stats/series", range, { buckets: 60 });
  const isEmpty = data && !data.totals.requests;
  return html`<div data-view="overview">
    <${ErrorBox} error=${error} />
    ${isEmpty && html`<${Empty} title="No requests in this range" command=${FIRST}>Send one, or choose a longer range:<//>`}
    ${data && !isEmpty &&
    html`<${Totals} series=${data} baseline=${session.baseline} />
      <div class="grid wide">
        <${Traffic} series=${data} />
        <${Scores} range=${range} />
      </div>
      <${Latency} range=${range} />
      <${Costs} range=${range} />`}
  </div>`;
}
