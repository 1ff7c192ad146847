// One request: why it went where it went, what became of it, and what else it could have been.
import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { About, Outcome, Parts, PlanList, Route, ScoreScale, routeOf, useDeployments } from "../decision.js";
import { Alternatives, Shifted, useElsewhere } from "../elsewhere.js";
import { Attempts, Figures } from "../course.js";
import { Learned } from "../learned.js";
import { Said } from "../said.js";
import { Badge, Card, Copy, Empty, ErrorBox, Icon, Time, percent, useLoad } from "../ui.js";

export default function Request({ params, session, range }) {
  const { data: entry, error, reload } = useLoad((signal) => get(`/v1/decisions/${encodeURIComponent(params.id)}`, {}, signal), [params.id, range]);
  const elsewhere = useElsewhere(params.id);
  const deployments = useDeployments();
  if (error?.status === 404) {
    return html`<div data-view="request"><${Back} /><${Card}><${Empty} title="There is no such request">
      Its entry may have been deleted, or it belongs to somebody whose requests this key does not see.</${Empty}></${Card}></div>`;
  }
  if (entry === null) return html`<div data-view="request"><${Back} /><${ErrorBox} error=${error} retry=${reload} /></div>`;
  const wasGiven = entry.cache === "exact" || entry.cache === "semantic";

  return html`<div data-view="request" data-request-id=${entry.request_id}>
    <${Back} />
    <${Head} entry=${entry} route=${routeOf(entry, deployments)} />
    <${Figures} entry=${entry} />
    <div class="grid wide">
      ${wasGiven ? html`<${FromCache} lookup=${entry.lookup} />` : html`<${Why} entry=${entry} />`}
      <div class="stack">
        ${!wasGiven && html`<${Card} title="Plan"
          hint="Where it was to go, in this order; a fallback is only called where the one before it failed or its answer was not good enough.">
          <${PlanList} decision=${entry} deployments=${deployments} served=${entry.deployment} /></${Card}>`}
        ${entry.verdict && html`<${Verdict} verdict=${entry.verdict} />`}
        ${!wasGiven && html`<${Learned} entry=${entry} />`}
        ${wasGiven ? html`<${Said} entry=${entry} session=${session} onSaid=${reload} />` : html`<${Shifted} entry=${entry} elsewhere=${elsewhere} />`}
      </div>
    </div>
    <${Attempts} entry=${entry} />
    ${!wasGiven && html`<div class="grid wide"><${Alternatives} elsewhere=${elsewhere} /><${Said} entry=${entry} session=${session} onSaid=${reload} /></div>`}
    <${Words} id=${entry.request_id} />
    <${Raw} entry=${entry} />
  </div>`;
}

const Back = () => html`<a class="back" href="#/live"><${Icon} name="back" />All requests</a>`;

function Head({ entry, route }) {
  return html`<section class="card lead" aria-label="Summary">
    <div class="row">${route && html`<${Route} value=${route} />`}<strong>${entry.deployment ?? "nobody"}</strong><${Outcome} value=${entry.outcome} />
      ${entry.served_tier && entry.served_tier !== entry.tier && html`<${Badge} kind="warn">${entry.tier} → ${entry.served_tier}</${Badge}>`}
      ${entry.stream && html`<${Badge}>streamed</${Badge}>`}<span class="muted"><${Time} value=${entry.time} /></span></div>
    <p class="reason">${entry.reason}</p>
    ${entry.error && html`<p class="bad-text">${entry.error}</p>`}
    <div class="row muted"><code>${entry.request_id}</code><${Copy} text=${entry.request_id} label="Copy id" />
      <span>asked for <code>${entry.model_asked}</code> by ${[entry.organisation, entry.key, entry.user].filter(Boolean).join(" / ")}</span></div>
  </section>`;
}

function Why({ entry }) {
  return html`<${Card} title="Why" hint="The score is 0 to 100: how likely it is that the lowest tier will not suffice. From a tier's threshold on, the request goes to that tier.">
    ${entry.score === null ? html`<p class="muted">No score was made for it.</p>` : html`<${ScoreScale} score=${entry.score} bounds=${entry.bounds} />`}
    ${entry.score !== null && !Object.keys(entry.bounds).length && html`<p class="muted">No threshold chose: the request named its place.</p>`}
    <${Parts} parts=${entry.parts} />
    <${About} decision=${entry} />
  </${Card}>`;
}

function FromCache({ lookup }) {
  const facts = [
    ["Hit", lookup.state],
    ["Age", lookup.age_s != null && `${Math.round(lookup.age_s)} s`],
    ["Similarity", lookup.similarity?.toFixed(3)],
    ["Serves, likely", lookup.probability != null && percent(lookup.probability, 1)],
    ["Cached reply", lookup.id && html`<code>${lookup.id}</code>`],
  ].filter(([, value]) => value);
  return html`<${Card} title="Out of the cache"
    hint="A reply that was made for another request is given again only where it would have been the right one: same tenant, system prompt, tools and parameters, same meaning.">
    <dl class="about first">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></${Card}>`;
}

function Verdict({ verdict }) {
  return html`<${Card} title="Verdict" hint="What the verifier said of the first answer: the probability that it is good enough, against the bound from which it is given out.">
    <div class="row"><${Badge} kind=${verdict.accepted ? "good" : "warn"}>${verdict.accepted ? "accepted" : "escalated"}</${Badge}>
      <span>good enough with ${percent(verdict.probability, 1)}, given out from ${percent(verdict.bound, 1)}</span></div>
    ${verdict.reasons.length > 0 && html`<p class="muted">Against it: ${verdict.reasons.join(", ").replaceAll("_", " ")}</p>`}</${Card}>`;
}

function Words({ id }) {
  const { data, error } = useLoad((signal) => get(`/v1/decisions/${encodeURIComponent(id)}/prompt`, {}, signal), [id]);
  const turns = Array.isArray(data?.turns) ? data.turns : [];
  return html`<${Card} title="Prompt and reply" hint="Kept only where somebody turned that on, with secrets and personal data replaced.">
    ${error?.status === 404 && html`<p class="muted">Nothing was kept: prompts are stored only when told to. To keep them, redacted, from now on, put this into <code>pointsman.toml</code>:</p>
      <div class="command"><pre>[prompts]\nstore = true</pre><${Copy} text=${"[prompts]\nstore = true\n"} /></div>`}
    ${error && error.status !== 404 && html`<${ErrorBox} error=${error} />`}
    ${data && html`<div class="turns">
      ${turns.map((turn, index) => html`<${Turn} key=${index} who=${turn.role} text=${textOf(turn)} />`)}
      ${data.reply != null && html`<${Turn} who="reply" text=${data.reply} />`}
      ${data.redacted.length > 0 && html`<p class="muted">Replaced: ${data.redacted.join(", ")}</p>`}</div>`}
  </${Card}>`;
}

const textOf = (turn) => (typeof turn.text === "string" ? turn.text : JSON.stringify(turn, null, 2));

const Turn = ({ who, text }) => html`<article class=${`turn ${who}`}><h3>${who}</h3><pre tabindex="0">${text}</pre></article>`;

function Raw({ entry }) {
  const [isOpen, setOpen] = useState(false);
  const text = isOpen ? JSON.stringify(entry, null, 2) : "";
  return html`<details class="card raw" onToggle=${(event) => setOpen(event.target.open)}><summary>The whole entry, as JSON</summary>
    ${isOpen && html`<div class="command"><pre tabindex="0">${text}</pre><${Copy} text=${text} /></div>`}</details>`;
}
