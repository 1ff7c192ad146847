// Learning: what is in force and since when, what it changed, why, and how to take it back.

import { get, post } from "../api.js";
import { Figure, useFigures } from "../figures.js";
import { Evidence, Intervals } from "../intervals.js";
import { Badge, Button, Card, Dialog, Empty, ErrorBox, Field, Table, Time, count, manages, money, percent, toast } from "../ui.js";
import { html, useCallback, useState } from "../vendor/preact.js";
import { Experiments } from "./experiments.js";

const SHIPPED = "shipped";
const FEW = 8;
/** Versions beside each other. */
const COMPARED = 4;
const AGAIN_MS = 15_000;
const KINDS = { promoted: "good", kept: "plain", reverted: "warn", threshold: "accent", drift: "bad", experiment: "cloud" };
const OFF = "[learning]\nenabled = true\n";
const RATE = `curl ${location.origin}/v1/feedback -H 'content-type: application/json' \\
  -d '{"request_id": "ID", "rating": 1}'`;

const share = (part, whole) => (whole ? part / whole : null);
const named = (organisation) => organisation || "everybody";
const rounded = (value) => String(Math.round(10 * (value ?? 0)) / 10);
const words = (name) => name.replaceAll("_", " ");

/** What is in force, and what can be done about it. */
function InForce({ data, now, outcomes, isAdmin, onRevert, onRetrain, isBusy }) {
  const isShipped = now.version === SHIPPED;
  const { trust, least } = outcomes;
  const from = data.versions.find((each) => each.id === now.version)?.outcomes;
  const actions = isAdmin && html`
    ${!isShipped && html`<${Button} kind="danger" onClick=${() => onRevert(null)}>Revert<//>`}
    <${Button} kind="primary" busy=${isBusy} onClick=${onRetrain}>Retrain now<//>`;
  return html`<${Card} title="In force" actions=${actions}
    hint="What is learned moves a request's score, or the thresholds of its pattern; tiers, floors and gates stay what they are.">
    <p class="in-force"><${Badge} kind=${isShipped ? "plain" : "good"}>${data.kind === "rule" ? "rule" : "learner"}<//>
      <strong>${now.version}</strong>
      ${now.since && html`<span class="muted">since <${Time} value=${now.since} />${from == null ? "" : `, from ${count(from)} outcomes`}</span>`}</p>
    ${now.why && html`<p>${now.why}</p>`}
    ${now.held && html`<p class="warn-text">Somebody reverted to this: nothing is promoted by itself until you retrain.</p>`}
    ${isShipped && !now.held && html`<p class="muted">Nothing that was learned counts yet: requests go where the shipped scorer says.</p>`}
    ${isShipped && trust < least && outcomes.outcomes > 0 && html`<p class="muted">Outcomes worth ${rounded(trust)} ratings are known; with ${least}, a version is tried against this one.</p>
      <span class="meter" role="img" aria-label=${`${rounded(trust)} of ${least}`}><span style=${{ width: `${(100 * trust) / least}%` }}></span></span>`}
    ${!data.ready && html`<p class="muted">What it learns with is being loaded.</p>`}
  <//>`;
}

function Totals({ outcomes, exploring }) {
  const { enabled, widened } = exploring;
  return html`<dl class="card stats totals learned" aria-live="polite">
    <${Figure} name="Outcomes known" value=${`${count(outcomes.outcomes)}${outcomes.more ? "+" : ""}`}
      hint="Answers of which a rating or a signal is known.">worth ${rounded(outcomes.trust)} ratings<//>
    <${Figure} name="Rated" value=${count(outcomes.rated)}>${outcomes.last ? html`the last outcome <${Time} value=${outcomes.last} relative />` : "nothing yet"}<//>
    <${Figure} name="Explored" value=${enabled ? count(exploring.drawn) : "off"}
      hint="Requests for which another tier was drawn, to learn how it does. Never below a floor, through a gate, or in mid-conversation. Since the gateway was started.">${
        enabled ? `of ${count(exploring.drawable)} that might have been; at most ${percent(exploring.share, 1)} of all requests${widened ? ", more while traffic drifts" : ""}` : "no other tier is tried"}<//>
    <${Figure} name="Exploration cost" value=${enabled ? money(exploring.extra) : "off"}
      hint="What these draws were expected to cost more than what the score chose.">${
        enabled ? `${percent(share(exploring.extra, exploring.spent), 1)} of what was spent, at most ${percent(exploring.cost, 1)}` : ""}<//>
  </dl>`;
}

/** The version in force beside those before it. */
function BeforeAfter({ versions, now }) {
  if (versions.length < 2) return null;
  const shown = versions.slice(0, COMPARED).reverse();
  const rows = (name) => shown.map((each) => ({ name: each.version, interval: each[name], note: each.version === now.version ? "in force" : "" }));
  const tiers = [...new Set(shown.flatMap((each) => Object.keys(each.tiers)))];
  const columns = [
    { key: "version", label: "Version", render: (row) => html`${row.version}<span class="below"><${Time} value=${row.since} /> to <${Time} value=${row.until} /></span>` },
    { key: "outcomes", label: "Outcomes", align: "end", render: (row) => count(row.outcomes) },
    { key: "rated", label: "Rated", align: "end", hide: "phone", render: (row) => count(row.rated) },
    ...tiers.map((tier) => ({ key: `tier ${tier}`, label: tier, align: "end", render: (row) => percent(row.tiers[tier] ?? 0) })),
    { key: "explored", label: "Explored", align: "end", hide: "phone", render: (row) => percent(row.explored, 1) },
  ];
  return html`<${Card} title="Before and after"
    hint="How requests did under each version. Traffic changes, too: what was concluded, and how surely, is in the evidence of the change.">
    <div class="grid compared"><div><h3>Quality, 0 to 1</h3><${Intervals} rows=${rows("quality")} format=${(value) => value.toFixed(2)} /></div>
      <div><h3>Cost of a request</h3><${Intervals} rows=${rows("cost")} format=${money} /></div></div>
    <${Table} caption="Where requests went under each version" columns=${columns} rows=${shown} rowKey=${(row) => row.version} />
  <//>`;
}

function Changes({ changes, now, whose, isAdmin, onRevert }) {
  const [isLong, setLong] = useState(false);
  const shown = isLong ? changes : changes.slice(0, FEW);
  const canReturn = (change) => isAdmin && change.version && change.version !== now.version && change.organisation === whose;
  return html`<${Card} title="Changes" hint="Everything that changed what is in force, or was tried and kept out, with what it was decided on.">
    ${!changes.length && html`<p class="muted">Nothing has changed yet.</p>`}
    <ol class="changes">${shown.map((change) => html`<li key=${change.id} data-change-id=${change.id}>
      <div class="row"><${Badge} kind=${KINDS[change.kind] ?? "plain"}>${change.kind}<//><span class="muted"><${Time} value=${change.time} /></span>
        ${change.organisation !== whose && html`<${Badge}>${named(change.organisation)}<//>`}
        ${canReturn(change) && html`<${Button} class="small" aria-label=${`Back to ${change.version}`} onClick=${() => onRevert(change.version)}>Back to this<//>`}</div>
      <p>${change.text}</p>
      <${Evidence} evidence=${change.evidence} />
    </li>`)}</ol>
    ${shown.length < changes.length && html`<${Button} class="more" onClick=${() => setLong(true)}>Show ${changes.length - shown.length} more<//>`}
  <//>`;
}

const SIGNALS = [
  { key: "name", label: "Signal", render: (row) => words(row.name) },
  { key: "worth", label: "Worth", align: "end", render: (row) => row.worth.toFixed(2) },
  { key: "agreement", label: "Agrees", align: "end", render: (row) => (row.agreement == null ? "–" : percent(row.agreement)) },
  { key: "rated", label: "Rated too", align: "end", render: (row) => count(row.rated) },
  { key: "outcomes", label: "Seen", align: "end", hide: "phone", render: (row) => count(row.outcomes) },
];

function Signals({ signals }) {
  if (!signals.length) return null;
  return html`<${Card} title="Signals" hint="What answers, and what users do next, tell by themselves. Worth: by how much ratings (0 to 1) differ between a signal that speaks for an answer and one against it. Measured where there is a rating as well; agrees: how often both pointed the same way.">
    <${Table} caption="Signals and how far each is trusted" columns=${SIGNALS} rows=${signals} rowKey=${(row) => row.name} /><//>`;
}

const PATTERNS = [
  { key: "domain", label: "About", render: (row) => words(row.domain) },
  { key: "band", label: "Score", align: "end", render: (row) => `${row.band} to ${row.band + 10}` },
  { key: "points", label: "Score moved by", align: "end", render: (row) => `${row.points > 0 ? "+" : ""}${row.points}` },
];

function Patterns({ kind, patterns }) {
  if (kind !== "rule" && !patterns.length) return null;
  return html`<${Card} title="Patterns" hint="The plain rule: a pattern is a subject and a band of scores. Five outcomes of low quality move it towards better tiers, step by step; a good record moves it back, slowly.">
    ${patterns.length
      ? html`<${Table} caption="Patterns that were moved" columns=${PATTERNS} rows=${patterns} rowKey=${(row) => `${row.domain} ${row.band}`} />`
      : html`<p class="muted">No pattern has moved: five outcomes of low quality move one.</p>`}<//>`;
}

/** Asks once more before anything changes. */
function Revert({ version, now, onClose, onDone }) {
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const revert = () => {
    setBusy(true);
    post("/v1/learning/revert", { version, organisation: now.organisation || null })
      .then(onDone, (problem) => (setError(problem), setBusy(false)));
  };
  return html`<${Dialog} title=${version ? `Back to ${version}` : "Revert"} onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Leave it<//><${Button} kind="danger" busy=${isBusy} onClick=${revert}>Revert<//>`}>
    <${ErrorBox} error=${error} />
    <p>From the next request on, those of <b>${named(now.organisation)}</b> go again where they went under <b>${version ?? "the version before"}</b>.
      What is in force now, <b>${now.version}</b>, stays on file; nothing is promoted by itself until you retrain.</p>
  <//>`;
}

function Whose({ scopes, whose, onChange }) {
  if (scopes.length < 2) return null;
  return html`<${Field} label="Learned for" inline>${(id) => html`<select id=${id} class="whose" value=${whose}
    onChange=${(event) => onChange(event.target.value)}>${scopes.map((each) => html`<option key=${each} value=${each}>${named(each)}</option>`)}</select>`}<//>`;
}

export default function Learning({ session }) {
  const [chosen, setChosen] = useState(null);
  const [reverting, setReverting] = useState(undefined);
  const [isBusy, setBusy] = useState(false);
  const isAdmin = manages(session);
  const ask = useCallback(async () => {
    const [data, outcomes] = await Promise.all([get("/v1/learning"), get("/v1/learning/outcomes", { organisation: chosen })]);
    return { data, outcomes };
  }, [chosen]);
  const { data: found, error, again } = useFigures(ask, reverting === undefined ? AGAIN_MS : 0);
  const { data, outcomes } = found ?? {};
  const scopes = data?.in_force.map((each) => each.organisation) ?? [];
  const whose = scopes.includes(chosen) ? chosen : scopes[0];
  const now = data?.in_force.find((each) => each.organisation === whose);
  const changes = data?.changes.filter((each) => each.organisation === whose || each.organisation === "") ?? [];
  const retrain = () => {
    setBusy(true);
    post("/v1/retrain", { organisation: whose || null })
      .then((said) => (toast(said.changes[0]?.text ?? "There is nothing new to learn from."), again()), (problem) => toast(problem.message, "bad"))
      .finally(() => setBusy(false));
  };
  const isNew = data?.enabled && !outcomes.outcomes && !changes.length;
  return html`<div data-view="learning">
    <${ErrorBox} error=${error} retry=${again} />
    ${data && !data.enabled && html`<${Card}><${Empty} title="Learning is off" command=${OFF}>Requests go where the shipped scorer says. To learn from
      their outcomes, put this into <code>pointsman.toml</code>:<//><//>`}
    ${isNew && html`<${Card}><${Empty} title="Nothing is known of any answer yet" command=${RATE}>Pointsman learns from what users say and do. Press <i>Good</i> or <i>Bad</i> on a <a href="#/live">request</a>, or have
      your application send what its users say:<//><//>`}
    ${data?.enabled && html`<${Whose} scopes=${scopes} whose=${whose} onChange=${setChosen} />
      <${InForce} data=${data} now=${now} outcomes=${outcomes} isAdmin=${isAdmin} isBusy=${isBusy} onRetrain=${retrain} onRevert=${setReverting} />
      ${!isNew && html`<${Totals} outcomes=${outcomes} exploring=${data.exploring} />`}
      <${BeforeAfter} versions=${outcomes.versions} now=${now} />`}
    <${Experiments} isAdmin=${isAdmin} versions=${data?.versions ?? []} />
    ${data?.enabled && html`<${Patterns} kind=${data.kind} patterns=${data.patterns.filter((each) => each.organisation === whose)} />
      ${!isNew && html`<${Changes} changes=${changes} now=${now} whose=${whose} isAdmin=${isAdmin} onRevert=${setReverting} />`}
      <${Signals} signals=${outcomes.signals} />`}
    ${reverting !== undefined && html`<${Revert} version=${reverting} now=${now} onClose=${() => setReverting(undefined)}
      onDone=${() => (setReverting(undefined), toast("Reverted."), again())} />`}
  </div>`;
}
