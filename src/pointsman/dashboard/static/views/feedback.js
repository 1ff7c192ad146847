// Feedback: what people said of answers, where routing was wrong, and answers that nobody has rated.

import { get, post } from "../api.js";
import { Figure, bounds, useFigures, useRange } from "../figures.js";
import { count, percent } from "../format.js";
import { Badge, Button, Card, Empty, ErrorBox, Icon, Table, Tabs, Time, toast } from "../ui.js";
import { html, useCallback, useState } from "../vendor/preact.js";

const PAGE = 200;
/** Pages that are read for ratings before somebody asks for older ones. */
const PAGES = 2;
const TABS = [
  { key: "bad", label: "Bad routings" },
  { key: "rated", label: "All feedback" },
  { key: "unrated", label: "Not rated yet" },
];

const EFFECT =
  "A rating is kept with its request. One below zero makes the cache forget a reply that it gave out, and counts against " +
  "the semantic tier where only a similar prompt had it. What is concluded from ratings is in Learning.";

/** The range's newest requests, page by page: {entries, isComplete}. */
async function newest(range, pages) {
  const entries = [];
  let cursor;
  for (let page = 0; page < pages; page += 1) {
    const found = await get("/v1/decisions", { ...bounds(range), limit: PAGE, cursor });
    entries.push(...found.data);
    cursor = found.next;
    if (cursor === null) return { entries, isComplete: true };
  }
  return { entries, isComplete: false };
}

/** The last rating that somebody gave; null where there are comments alone. */
const rating = (entry) => entry.feedback.findLast((each) => each.rating !== null)?.rating ?? null;

/** By how many points the thresholds would have to fall for the next better tier; null where there is none. */
function missing(entry) {
  const above = Object.entries(entry.bounds).filter(([, from]) => from > entry.score);
  if (!above.length) return null;
  const [tier, from] = above.reduce((one, other) => (other[1] < one[1] ? other : one));
  return { tier, points: from - entry.score };
}

function Rated({ value }) {
  if (value === null) return html`<span class="muted">comment</span>`;
  const kind = value > 0 ? "good" : value < 0 ? "bad" : "plain";
  const word = value > 0 ? "good" : value < 0 ? "bad" : "neutral";
  return html`<${Badge} kind=${kind} title=${`rating ${value}`}>${word}<//>`;
}

function Comments({ entry }) {
  const said = entry.feedback.filter((each) => each.comment);
  return said.length ? said.map((each) => html`<p key=${each.time} class="comment">${each.comment}</p>`) : "–";
}

function Who({ row }) {
  return html`${row.deployment ?? "nobody"}<span class="below">${row.served_tier ?? row.tier}, asked for ${row.model_asked}</span>`;
}

function verdict({ verdict: said }) {
  return said ? `${said.accepted ? "accepted" : "escalated"}, ${percent(said.probability)}` : "nobody looked";
}

const WHEN = { key: "time", label: "Time", render: (row) => html`<a href=${`#/request/${row.request_id}`}><${Time} value=${row.time} /></a>` };
const WHO = { key: "who", label: "Answered by", render: (row) => html`<${Who} row=${row} />` };
/** Somebody looked at its prompt: it was not asked for by name, nor given out of the cache. */
const isScored = (entry) => Object.keys(entry.bounds).length > 0;

const SCORE = { key: "score", label: "Score", align: "end", render: (row) => (isScored(row) ? row.score.toFixed(1) : "–") };
const RATED = [
  WHEN,
  { key: "rating", label: "Rating", render: (row) => html`<${Rated} value=${rating(row)} />` },
  { key: "comment", label: "Comment", render: (row) => html`<${Comments} entry=${row} />` },
  WHO,
  SCORE,
];
const BAD = [
  WHEN,
  { key: "comment", label: "Comment", render: (row) => html`<${Comments} entry=${row} />` },
  WHO,
  SCORE,
  {
    key: "next",
    label: "To the next tier",
    render: (row) => {
      if (!isScored(row)) return html`<span class="muted">not routed by its score</span>`;
      const gap = missing(row);
      return gap ? `${gap.points.toFixed(1)} points below ${gap.tier}` : html`<span class="muted">no better tier</span>`;
    },
  },
  { key: "verdict", label: "Verdict", hide: "phone", render: verdict },
];

function Rate({ row, onRated }) {
  const [comment, setComment] = useState("");
  const [isBusy, setBusy] = useState(false);
  const rate = (value) => async () => {
    setBusy(true);
    try {
      await post("/v1/feedback", { request_id: row.request_id, rating: value, ...(comment.trim() && { comment: comment.trim() }) });
      toast("Noted.");
      onRated();
    } catch (problem) {
      toast(problem.message, "bad");
      setBusy(false);
    }
  };
  const label = row.request_id;
  return html`<span class="row rate">
    <input type="text" maxlength="2000" aria-label=${`Comment on ${label}`} placeholder="Comment"
      value=${comment} onInput=${(event) => setComment(event.target.value)} />
    <${Button} class="small" busy=${isBusy} aria-label=${`Good: ${label}`} onClick=${rate(1)}><${Icon} name="up" /> Good<//>
    <${Button} class="small" busy=${isBusy} aria-label=${`Bad: ${label}`} onClick=${rate(-1)}><${Icon} name="down" /> Bad<//>
  </span>`;
}

const byRequest = { rowKey: (row) => row.request_id, rowProps: (row) => ({ "data-request-id": row.request_id }) };

function List({ tab, entries, mayRate, onRated }) {
  if (tab === "unrated") {
    const rows = entries.filter((entry) => !entry.feedback.length && entry.outcome === "completed").slice(0, 50);
    const rate = { key: "rate", label: "Rate", render: (row) => html`<${Rate} row=${row} onRated=${onRated} />` };
    if (!rows.length) return html`<p class="muted">Every answer of the range is rated.</p>`;
    const columns = mayRate ? [WHEN, WHO, SCORE, rate] : [WHEN, WHO, SCORE];
    return html`<${Table} caption="Answers that nobody has rated" columns=${columns} rows=${rows} ...${byRequest} />`;
  }
  const rows = entries.filter((entry) => entry.feedback.length && (tab === "rated" || rating(entry) < 0));
  if (!rows.length) return html`<p class="muted">${tab === "bad" ? "Nobody called an answer bad." : "Nobody has said anything yet."}</p>`;
  return html`<${Table} caption=${tab === "bad" ? "Requests whose answers were called bad" : "Requests with feedback"}
    columns=${tab === "bad" ? BAD : RATED} rows=${rows} ...${byRequest} />`;
}

const QUALITY = [
  { key: "name", label: "Tier" },
  { key: "requests", label: "Requests", align: "end", render: (row) => count(row.requests) },
  { key: "completed", label: "Completed", align: "end", render: (row) => percent(row.completed, 1) },
  { key: "verified", label: "Verified", align: "end", hide: "phone", render: (row) => percent(row.verified, 1) },
  { key: "escalated", label: "Of these escalated", align: "end", hide: "phone", render: (row) => percent(row.escalated, 1) },
  { key: "good", label: "Good", align: "end", render: (row) => count(row.good) },
  { key: "bad", label: "Bad", align: "end", render: (row) => count(row.bad) },
  { key: "rating", label: "Mean rating", align: "end", render: (row) => row.rating?.toFixed(2) ?? "–" },
];

function Quality({ range, turn }) {
  const { data, error, again } = useRange("/v1/stats/quality", range, { by: "tier" }, 10_000, turn);
  if (!data) return html`<${ErrorBox} error=${error} retry=${again} />`;
  const { total } = data;
  const said = total.good + total.bad + total.neutral;
  return html`<dl class="card stats" aria-live="polite">
      <${Figure} name="Rated" value=${count(said)}>of ${count(total.requests)} requests<//>
      <${Figure} name="Good" value=${count(total.good)}>${percent(said ? total.good / said : null)}<//>
      <${Figure} name="Bad" value=${count(total.bad)}>${percent(said ? total.bad / said : null)}<//>
      <${Figure} name="Mean rating" value=${total.rating?.toFixed(2) ?? "–"}>from −1 to 1<//>
      <${Figure} name="Escalated" value=${percent(total.escalated, 1)}>of the answers that were verified<//>
    </dl>
    <${Card} title="By tier" hint=${EFFECT}>
      <${Table} caption="How requests of each tier went" columns=${QUALITY} rows=${data.by.tier} rowKey=${(row) => row.name} />
    <//>`;
}

const RATE = `curl ${location.origin}/v1/feedback \\
  -H 'content-type: application/json' \\
  -d '{"request_id": "req_...", "rating": -1, "comment": "too short"}'`;

export default function Feedback({ session, range }) {
  const [tab, setTab] = useState("bad");
  const [pages, setPages] = useState(PAGES);
  const [turn, setTurn] = useState(0);
  const ask = useCallback(() => newest(range, pages), [range.since, range.until, pages, turn]);
  const { data, error, again } = useFigures(ask, 0);
  const mayRate = session.principal?.role !== "read-only";
  const isEmpty = data && !data.entries.length;
  return html`<div data-view="feedback">
    <${ErrorBox} error=${error} retry=${again} />
    ${isEmpty
      ? html`<${Empty} title="No requests in this range" command=${RATE}>Each reply has an x-request-id; say of it what you thought:<//>`
      : html`<${Quality} range=${range} turn=${turn} />`}
    ${data && !isEmpty &&
    html`<${Card} title="Requests">
      <div class="stack">
        <${Tabs} label="Which requests" tabs=${TABS} current=${tab} onChange=${setTab} />
        <${List} tab=${tab} entries=${data.entries} mayRate=${mayRate} onRated=${() => setTurn((before) => before + 1)} />
        ${!data.isComplete &&
        html`<p class="muted">Among the newest ${count(data.entries.length)} requests.
          <${Button} kind="quiet" onClick=${() => setPages(pages + PAGES)}>Look further back<//></p>`}
      </div>
    <//>`}
  </div>`;
}
