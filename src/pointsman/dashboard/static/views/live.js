// Requests as they end, the newest first; the ones before them page by page.
import { Component, html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { get, url } from "../api.js";
import { OUTCOMES, Outcome, Route, routeOf, useDeployments } from "../decision.js";
import { SPANS } from "../range.js";
import { Stream } from "../stream.js";
import { Button, Card, Empty, ErrorBox, Field, Icon, Money, Ms, Time, Tokens, count, money } from "../ui.js";

const IN_PAGE = 100;
const NOTHING = { rows: [], held: 0, dropped: 0, perMinute: 0, state: "connecting" };
const STATES = { connecting: "Connecting…", open: "Live", waiting: "Lost the gateway, trying again…" };

/** Each with its classes; the widths that they stand for spare the browser to measure every cell. */
const COLUMNS = [
  ["Time", "w-time"], ["Route", "w-word"], ["Deployment", "w-name"], ["Asked for", "w-name hide-phone"], ["Score", "w-score hide-phone"],
  ["Tier", "w-name hide-phone"], ["Tokens", "w-tokens end hide-phone"], ["Cost", "w-sum end"], ["Saved", "w-sum end hide-phone"],
  ["Took", "w-sum end"], ["Outcome", "w-outcome"],
];

// The filters stay while one looks at a request and comes back.
let lastFilters = {};

export default function Live({ params, session, range }) {
  const [filters, setFilters] = useState(() => (Object.keys(params).length ? params : lastFilters));
  const [search, setSearch] = useState("");
  const [isPaused, setPaused] = useState(false);
  const deployments = useDeployments();
  const isPast = !(range.name in SPANS);
  const { now, error, stream } = useStream(filters, isPast);
  const history = useHistory(filters, range, isPast);
  const asked = useNames(now.rows);
  const isLive = !isPast && history.page === null;
  const rows = useMemo(() => found(isLive ? now.rows : (history.page?.data ?? []), search), [now.rows, history.page, search, isLive]);

  const pause = (paused) => {
    stream.current?.pause(paused);
    setPaused(paused);
  };
  const narrow = (name, value) => {
    lastFilters = { ...filters, [name]: value };
    if (!value) delete lastFilters[name];
    setFilters(lastFilters);
    setPaused(false);
  };

  return html`<div data-view="live">
    <${Filters} filters=${filters} onChange=${narrow} search=${search} onSearch=${setSearch} deployments=${deployments} asked=${asked}>
      ${isLive && html`<${Button} class="pause" aria-pressed=${isPaused ? "true" : "false"} onClick=${() => pause(!isPaused)}>
        <${Icon} name=${isPaused ? "playground" : "pause"} />${isPaused ? `Resume${now.held ? ` (${count(now.held)} new)` : ""}` : "Pause"}
      </${Button}>`}
    </${Filters}>
    ${isLive && html`<${Counters} now=${now} deployments=${deployments} isPaused=${isPaused} />`}
    <${ErrorBox} error=${error ?? history.error} retry=${() => location.reload()} />
    ${rows.length > 0 ? html`<${Rows} rows=${rows.slice(0, IN_PAGE)} deployments=${deployments} />`
      : html`<${Nothing} isFiltered=${search || Object.keys(filters).length} needsKey=${session.needs_key} />`}
    <${Pager} history=${history} isPast=${isPast} filters=${{ ...filters, since: range.since, ...(isPast ? { until: range.until } : {}) }}
      oldest=${now.rows[Math.min(IN_PAGE, now.rows.length) - 1]} shown=${rows.length} />
  </div>`;
}

function useStream(filters, isOff) {
  const [now, setNow] = useState(NOTHING);
  const [error, setError] = useState(null);
  const stream = useRef(null);
  useEffect(() => {
    setNow(NOTHING);
    setError(null);
    if (isOff) return undefined;
    stream.current = new Stream(filters, setNow);
    stream.current.start().catch(setError);
    return () => stream.current.close();
  }, [filters, isOff]);
  return { now, error, stream };
}

/** Pages of the books, older than what is live: {page, error, older(before), newer(), leave()}. */
function useHistory(filters, range, isPast) {
  const [pages, setPages] = useState([]);
  const [error, setError] = useState(null);
  const load = (params, kept) => get("/v1/decisions", { ...filters, limit: IN_PAGE, ...params })
    .then((page) => (setPages([...kept, page]), setError(null), window.scrollTo(0, 0)), setError);
  const span = isPast ? { since: range.since, until: range.until } : {};
  useEffect(() => {
    setPages([]);
    if (isPast) load(span, []);
  }, [filters, range.name, isPast]);
  const page = pages.at(-1) ?? null;
  return {
    page,
    error,
    number: pages.length,
    older: (before) => load(page ? { ...span, cursor: page.next } : { before }, pages),
    newer: () => setPages(pages.slice(0, -1)),
    leave: () => setPages([]),
  };
}

/** Names that clients asked for, as far as they were seen. */
function useNames(rows) {
  const seen = useRef(new Set());
  for (const row of rows.slice(0, IN_PAGE)) if (seen.current.size < 100) seen.current.add(row.model_asked);
  return [...seen.current].sort();
}

function found(rows, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length ? rows.filter((row) => words.every((word) => textOf(row).includes(word))) : rows;
}

const texts = new WeakMap();

function textOf(row) {
  if (!texts.has(row)) {
    const said = [row.request_id, row.model_asked, row.deployment, row.tier, row.served_tier, row.outcome, row.error,
      row.reason, row.domain, row.key, row.user, row.cache, row.client_request_id];
    texts.set(row, said.filter(Boolean).join(" ").toLowerCase());
  }
  return texts.get(row);
}

function Filters({ filters, onChange, search, onSearch, deployments, asked, children }) {
  const choice = (name, label, options) => html`<${Field} label=${label}>${(id) => html`<select id=${id} value=${filters[name] ?? ""}
    onChange=${(event) => onChange(name, event.target.value)}>
    <option value="">All</option>
    ${withChosen(options, filters[name]).map((each) => html`<option key=${each} value=${each}>${name === "outcome" ? each.replace("_", " ") : each}</option>`)}
  </select>`}</${Field}>`;
  return html`<form class="live-filters" role="search" aria-label="Requests" onSubmit=${(event) => event.preventDefault()}>
    <${Field} label="Search">${(id) => html`<input id=${id} type="search" placeholder="Reason, id, model, key, error…" value=${search}
      onInput=${(event) => onSearch(event.target.value)} />`}</${Field}>
    ${choice("deployment", "Deployment", Object.keys(deployments))}
    ${choice("model", "Model asked for", asked)}
    ${choice("outcome", "Outcome", Object.keys(OUTCOMES).filter((each) => each !== "open"))}
    ${choice("cache", "Cache", ["exact", "semantic", "miss", "bypass"])}
    ${children}
  </form>`;
}

const withChosen = (options, chosen) => (chosen && !options.includes(chosen) ? [chosen, ...options] : options);

/** What the entries on the page come to; said aloud no more than every few seconds. */
function Counters({ now, deployments, isPaused }) {
  const sums = { local: 0, cloud: 0, cache: 0, failed: 0, cost: 0, saved: 0 };
  for (const row of now.rows) {
    const route = routeOf(row, deployments);
    if (route) sums[route] += 1;
    if (row.outcome === "failed") sums.failed += 1;
    sums.cost += Number(row.cost ?? 0);
    sums.saved += Number(row.saved ?? 0);
  }
  const known = sums.local + sums.cloud + sums.cache || 1;
  const said = useSlowly(`${now.perMinute} requests in the last minute, ${sums.failed} of the last ${now.rows.length} failed`, 5000);
  return html`<section class="card counters" aria-label="Right now">
    <p class=${`state ${isPaused ? "paused" : now.state}`}><i class="dot"></i>${isPaused ? "Paused" : STATES[now.state]}</p>
    <p><strong class="num">${count(now.perMinute)}</strong> a minute</p>
    <div class="split" aria-label=${`Of the last ${now.rows.length}: ${sums.local} local, ${sums.cloud} cloud, ${sums.cache} cache`} role="img">
      <div class="bar-line">${["local", "cloud", "cache"].map((each) =>
        html`<i key=${each} class=${each} style=${{ width: `${(100 * sums[each]) / known}%` }}></i>`)}</div>
      <div class="legend">${["local", "cloud", "cache"].map((each) =>
        html`<span key=${each} class=${each}><i class="dot"></i>${each} ${Math.round((100 * sums[each]) / known)} %</span>`)}</div>
    </div>
    <p><strong class="num">${money(sums.cost)}</strong> spent</p>
    <p><strong class="num good-text">${money(sums.saved)}</strong> saved</p>
    ${now.dropped > 0 && html`<p class="warn-text">${count(now.dropped)} not shown: this page was too slow</p>`}
    <span class="unseen" role="status" aria-live="polite">${said}</span>
  </section>`;
}

/** `value`, renewed at most every `wait` milliseconds. */
function useSlowly(value, wait) {
  const [shown, setShown] = useState(value);
  const latest = useRef(value);
  latest.current = value;
  useEffect(() => {
    const timer = setInterval(() => setShown(latest.current), wait);
    return () => clearInterval(timer);
  }, [wait]);
  return shown;
}

function Rows({ rows, deployments }) {
  return html`<section class="card flush" aria-label="Requests"><div class="scroll tall" role="region" aria-label="Table of requests" tabindex="0">
    <table class="requests">
      <caption class="unseen">Requests, the newest first</caption>
      <thead><tr>
        ${COLUMNS.map(([label, classes]) => html`<th scope="col" key=${label} class=${classes}>${label}</th>`)}
      </tr></thead>
      <tbody>${rows.map((row) => html`<${Row} key=${row.request_id} row=${row} deployments=${deployments} />`)}</tbody>
    </table>
  </div></section>`;
}

class Row extends Component {
  shouldComponentUpdate(next) {
    return next.row !== this.props.row || next.deployments !== this.props.deployments;
  }

  render({ row, deployments }) {
    const href = `#/request/${encodeURIComponent(row.request_id)}`;
    const open = (event) => {
      if (!event.target.closest("a") && !String(getSelection())) location.hash = href;
    };
    return html`<tr data-request-id=${row.request_id} onClick=${open} title=${row.reason}>
      <td><a href=${href}><${Time} value=${row.time} /></a></td>
      <td><${Route} value=${routeOf(row, deployments)} /></td>
      <td class="w-name" title=${row.deployment}>${row.deployment ?? "–"}</td>
      <td class="w-name hide-phone muted" title=${row.model_asked}>${row.model_asked}</td>
      <td class="hide-phone"><${Score} row=${row} /></td>
      <td class="w-name hide-phone">${row.tier}${row.served_tier && row.served_tier !== row.tier && html` <span class="muted">→ ${row.served_tier}</span>`}</td>
      <td class="end hide-phone">${row.usage ? html`<${Tokens} value=${row.usage.input_tokens} /> <span class="muted">→</span> <${Tokens} value=${row.usage.output_tokens} />` : "–"}</td>
      <td class="end"><${Money} value=${row.cost} /></td>
      <td class="end hide-phone"><${Money} value=${row.saved} /></td>
      <td class="end"><${Ms} value=${row.latency_ms} /></td>
      <td><${Outcome} value=${row.outcome} /></td>
    </tr>`;
  }
}

/** Its score, where one was made: what the cache answers is not scored. */
function Score({ row }) {
  if (row.score === null) return html`<span class="muted">–</span>`;
  return html`<span class="score" aria-hidden="true"><i style=${{ width: `${row.score}%` }}></i></span><span class="num">${row.score.toFixed(0)}</span>`;
}

function Pager({ history, isPast, filters, oldest, shown }) {
  const isLive = !isPast && history.page === null;
  const hasOlder = isLive ? oldest !== undefined && shown > 0 : history.page?.next;
  return html`<nav class="row spread pager" aria-label="Pages">
    <span class="muted">${isLive ? `${count(shown)} in memory, ${Math.min(shown, IN_PAGE)} shown` : `Page ${history.number} of the past`}</span>
    <span class="row">
      <a class="button quiet" download href=${url("/v1/export", { ...filters, format: "csv" })}
        title="All entries of the range that fit the filters">Export CSV</a>
      ${!isLive && !isPast && html`<${Button} kind="primary" onClick=${history.leave}>Back to live</${Button}>`}
      ${history.number > 1 && html`<${Button} onClick=${history.newer}>Newer</${Button}>`}
      <${Button} disabled=${!hasOlder} onClick=${() => history.older(oldest?.time)}>Older</${Button}>
    </span>
  </nav>`;
}

function Nothing({ isFiltered, needsKey }) {
  if (isFiltered) return html`<${Card}><${Empty}
    title="Nothing fits">No request fits what you search for. Take a filter away, or look at older ones.</${Empty}></${Card}>`;
  const command = `curl ${location.origin}/v1/chat/completions -H 'content-type: application/json' \\${needsKey ? `\n  -H "authorization: Bearer $POINTSMAN_KEY" \\` : ""}
  -d '{"model": "auto", "messages": [{"role": "user", "content": "What is Python?"}]}'`;
  return html`<${Card}><${Empty} title="No requests yet" command=${command}>
    Send one, and it appears here within a second. Any OpenAI or Anthropic client will do: only its base URL changes.
  </${Empty}></${Card}>`;
}
