// How a decision is shown, in the view of one request and in the playground.
import { html, useEffect, useState } from "./vendor/preact.js";
import { get } from "./api.js";
import { Badge, Hint } from "./ui.js";

let known = null;

/** Deployments by id: {location, tier, model, ...}; empty until they have arrived. */
export function useDeployments() {
  const [found, setFound] = useState(known ?? {});
  useEffect(() => {
    get("/v1/upstreams").then(({ upstreams }) => {
      known = Object.fromEntries(upstreams.map((each) => [each.deployment, each]));
      setFound(known);
    }, () => {}); // without them, places have no colour; the view of upstreams tells why
  }, []);
  return found;
}

/** Where an entry was answered: "local", "cloud", "cache", or null where it was not. */
export function routeOf(entry, deployments) {
  if (entry.cache === "exact" || entry.cache === "semantic") return "cache";
  return (entry.deployment && deployments[entry.deployment]?.location) || null;
}

/** How an outcome looks. */
export const OUTCOMES = { completed: "good", open: "accent", client_left: "warn", interrupted: "warn", failed: "bad", refused: "bad" };

/** What is as it should be stays quiet; the rest is coloured. */
export function Outcome({ value }) {
  const kind = OUTCOMES[value] ?? "plain";
  const word = String(value).replace("_", " ");
  return kind === "good" ? html`<span class="fine"><i class="dot"></i>${word}</span>` : html`<${Badge} kind=${kind}>${word}</${Badge}>`;
}

export const Route = ({ value }) => (value ? html`<${Badge} kind=${value}>${value}</${Badge}>` : html`<span class="muted">–</span>`);

/** Tiers from the lowest score up: [{tier, from, to}]. */
export function bandsOf(bounds) {
  const rising = Object.entries(bounds).sort(([, a], [, b]) => a - b);
  return rising.map(([tier, from], index) => ({ tier, from, to: rising[index + 1]?.[1] ?? 100 }))
    .map(({ tier, from, to }) => ({ tier, from: within(from), to: within(to) }));
}

const within = (value) => Math.min(100, Math.max(0, value));

/** The score on its scale from 0 to 100, between the thresholds that were in force. */
export function ScoreScale({ score, bounds }) {
  const bands = bandsOf(bounds);
  const said = bands.length
    ? `Score ${score.toFixed(1)} of 100. ${bands.map((band) => `${band.tier} from ${band.from.toFixed(0)}`).join(", ")}.`
    : `Score ${score.toFixed(1)} of 100. No threshold chose.`;
  return html`<div class="scale" role="img" aria-label=${said}>
    <div class="bands">${bands.map((band, index) => html`<div key=${band.tier} class=${`band tier-${Math.min(index, 3)}`}
      title=${`${band.tier}: ${band.from.toFixed(1)} to ${band.to.toFixed(1)}`}
      style=${{ left: `${band.from}%`, width: `${band.to - band.from}%` }}>${band.to - band.from > 12 ? band.tier : ""}</div>`)}</div>
    <div class="marker" style=${{ left: `${within(score)}%` }}><span>${score.toFixed(1)}</span></div>
    <div class="ticks" aria-hidden="true">${marks(bands).map((mark) => html`<span key=${mark} style=${{ left: `${mark}%` }}>${mark.toFixed(0)}</span>`)}</div>
  </div>`;
}

/** 0, 100 and the thresholds between them, less those that would overlap the one before. */
function marks(bands) {
  const kept = [0];
  for (const { from } of bands) if (from - kept.at(-1) >= 5 && from <= 95) kept.push(from);
  return [...kept, 100];
}

/** The score's named contributions, the strongest first, as bars to both sides of zero. */
export function Parts({ parts }) {
  const rows = Object.entries(parts).filter(([name]) => name !== "base").sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const most = Math.max(1e-9, ...rows.map(([, value]) => Math.abs(value)));
  if (!rows.length) return html`<p class="muted">There was nothing to score.</p>`;
  return html`<div class="parts" role="list">
    ${"base" in parts && html`<div class="part" role="listitem"><span>base <${Hint} text="The score of a prompt of which nothing is known. The parts below add to it; together they are the score." /></span><span></span><span class="num">${parts.base.toFixed(1)}</span></div>`}
    ${rows.map(([name, value]) => html`<div class="part" role="listitem" key=${name}>
      <span>${name.replaceAll("_", " ")}</span>
      <span class="beam" aria-hidden="true"><i class=${value < 0 ? "less" : "more"} style=${{ width: `${(50 * Math.abs(value)) / most}%` }}></i></span>
      <span class="num">${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}</span>
    </div>`)}
  </div>`;
}

/** The facts about a text besides its score. */
export function About({ decision }) {
  const facts = [
    ["Domain", decision.domain],
    ["Topics", decision.topics?.join(", ")],
    ["Scorer", decision.scorer],
    ["Stands in", decision.stands_in],
    ["Must stay local", decision.confined && `${decision.confined.kinds.join(", ") || "asked for"} (by ${decision.confined.by})`],
    ["First answer is looked at", decision.verify != null && `given out from ${decision.verify}`],
    ...Object.entries(decision.dimensions ?? {}).map(([name, value]) => [name.replaceAll("_", " "), value.toFixed(2)]),
  ].filter(([, value]) => value);
  return html`<dl class="about">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The ordered attempts, and what was ruled out and why. */
export function PlanList({ decision, deployments, served }) {
  return html`<ol class="plan">${decision.plan.map((planned) => html`<li key=${planned.deployment} class=${planned.deployment === served ? "served" : ""}>
      <div class="row"><strong>${planned.deployment}</strong><${Route} value=${deployments[planned.deployment]?.location ?? null} /><${Badge}>${planned.tier}</${Badge}>${planned.deployment === served && html`<${Badge} kind="accent">answered</${Badge}>`}</div>
      <small>${planned.reason}</small>
    </li>`)}</ol>
    ${!decision.plan.length && html`<p class="muted">Nothing could serve this request.</p>`}
    ${decision.dropped.length > 0 && html`<h3 class="sub">Ruled out</h3><ul class="plan dropped">${decision.dropped.map((drop) =>
      html`<li key=${drop.deployment}>
      <div class="row"><strong>${drop.deployment}</strong><${Badge} kind="warn">${drop.gate}</${Badge}></div><small>${drop.reason}</small></li>`)}</ul>`}`;
}
