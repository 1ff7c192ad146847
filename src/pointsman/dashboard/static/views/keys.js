// Keys: who may ask, for what, how much at a time, and for how much money.

import { del, get, post, signIn } from "../api.js";
import { useFigures } from "../figures.js";
import { ago, count, money } from "../format.js";
import { Badge, Button, Card, Copy, Dialog, Empty, ErrorBox, Field, Table, Time, toast } from "../ui.js";
import { html, useCallback, useState } from "../vendor/preact.js";
import { KeyForm } from "./keyform.js";

const GRACES = { 0: "ends at once", 3600: "is valid for an hour", 86400: "is valid for a day", 604800: "is valid for a week" };

/** The beginning of this day and of this month, as budgets have them: in UTC. */
function windows() {
  const now = new Date();
  const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  return { day: day.toISOString(), month: month.toISOString() };
}

async function askKeys() {
  const { day, month } = windows();
  const costs = (since) => get("/v1/stats/cost", { by: "key", since });
  const [keys, today, thisMonth] = await Promise.all([get("/v1/keys"), costs(day), costs(month)]);
  const byKey = (found) => Object.fromEntries(found.by.key.map((line) => [line.name, line]));
  return { keys: keys.data, today: byKey(today), month: byKey(thisMonth) };
}

function State({ row }) {
  const isInGrace = row.grace_until && new Date(row.grace_until) > Date.now();
  if (!row.active) return html`<${Badge} kind="bad">deactivated<//>`;
  if (row.expires && new Date(row.expires) <= Date.now()) return html`<${Badge} kind="bad">expired<//>`;
  return html`<${Badge} kind="good">active<//>
    ${row.expires && html`<span class="below">until <${Time} value=${row.expires} /></span>`}
    ${isInGrace && html`<span class="below">the old one until <${Time} value=${row.grace_until} /></span>`}`;
}

/** What the key may use, in words. */
function uses(row) {
  const lists = [
    ["models", row.models],
    ["tiers", row.tiers],
    ["asks for", row.routes],
  ].filter(([, names]) => names !== null);
  return lists.length ? lists.map(([what, names]) => `${what}: ${names.join(", ")}`).join("; ") : "all";
}

function limits({ limits: { requests_per_minute: requests, tokens_per_minute: tokens, concurrent } }) {
  const words = [
    requests && `${count(requests)} requests/min`,
    tokens && `${count(tokens)} tokens/min`,
    concurrent && `${concurrent} at once`,
  ];
  return words.filter(Boolean).join(", ") || "–";
}

/** A column of what the keys spent, by their ids. */
const spent = (costs, bound, per) => (row) => html`<${Budget} spent=${costs[row.id]} bound=${row.budgets[bound]} per=${per} />`;

function Budget({ spent, bound, per }) {
  const cost = Number(spent?.cost ?? 0);
  if (bound == null) return money(cost);
  const share = Number(bound) ? cost / Number(bound) : 1;
  return html`${money(cost)} of ${money(bound)}
    <span class="meter" role="img" aria-label=${`${Math.round(100 * share)} % of the budget ${per}`}>
      <span class=${share >= 0.9 ? "over" : ""} style=${{ width: `${Math.min(100, 100 * share)}%` }}></span>
    </span>`;
}

function Role({ row }) {
  return html`${row.role}<span class="below">${row.organisation}${row.everywhere ? ", everywhere" : ""}</span>`;
}

const HEAD = [
  { key: "name", label: "Name", render: (row) => html`<b>${row.name || "–"}</b><span class="below mono">${row.id}</span>` },
  { key: "role", label: "Role", hide: "phone", render: (row) => html`<${Role} row=${row} />` },
  { key: "state", label: "State", render: (row) => html`<${State} row=${row} />` },
  { key: "uses", label: "May use", hide: "phone", render: uses },
  { key: "limits", label: "Limits", hide: "phone", render: limits },
];

/** The key's text, this once. */
function Made({ made, isFirst, onClose }) {
  const close = async () => {
    if (!isFirst) return onClose();
    await signIn(made.key).catch((problem) => toast(problem.message, "bad"));
    location.reload();
  };
  return html`<${Dialog} title="The key" onClose=${close}
    actions=${html`<${Button} kind="primary" onClick=${close}>I have kept it<//>`}>
    <p>This is the key <b>${made.name || made.id}</b>. It is not shown again: what is stored is its hash.</p>
    <div class="secret"><code data-secret="">${made.key}</code><${Copy} text=${made.key} label="Copy key" /></div>
    <p class="muted">Clients send it as <code>Authorization: Bearer</code> or <code>x-api-key</code>.
      ${isFirst && " From now on every request needs a key, and so does this page: it signs you in with this one."}</p>
  <//>`;
}

function Rotate({ row, onClose, onMade }) {
  const [grace, setGrace] = useState("86400");
  const [error, setError] = useState(null);
  const rotate = () => post(`/v1/keys/${row.id}/rotate`, { grace_s: Number(grace) }).then(onMade, setError);
  return html`<${Dialog} title=${`Rotate ${row.name || row.id}`} onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Cancel<//><${Button} kind="primary" onClick=${rotate}>Rotate<//>`}>
    <${ErrorBox} error=${error} />
    <p>The key gets another secret; its name, limits, budgets and books stay.</p>
    <${Field} label="The old secret" hint="End it at once where it has leaked.">
      ${(id) => html`<select id=${id} value=${grace} onChange=${(event) => setGrace(event.target.value)}>
        ${Object.entries(GRACES).map(([seconds, words]) => html`<option key=${seconds} value=${seconds}>${words}</option>`)}
      </select>`}
    <//>
  <//>`;
}

function Delete({ row, isLast, onClose, onDone }) {
  const [error, setError] = useState(null);
  const forget = () => del(`/v1/keys/${row.id}`).then(onDone, setError);
  return html`<${Dialog} title=${`Delete ${row.name || row.id}`} onClose=${onClose}
    actions=${html`<${Button} kind="quiet" onClick=${onClose}>Keep it<//><${Button} kind="danger" onClick=${forget}>Delete the key<//>`}>
    <${ErrorBox} error=${error} />
    <p>It lets nobody in from the next request on. What it spent stays in the books.</p>
    ${isLast &&
    html`<p class="warn-text">It is the last key: nobody is let in until you make another on the gateway's machine,
      with <code>pointsman keys create --admin</code>.</p>`}
  <//>`;
}

/** What only one key's details tell: when it was used last. */
function LastUsed({ row }) {
  const ask = useCallback(() => get("/v1/decisions", { key: row.id, limit: 1 }), [row.id]);
  const { data, error } = useFigures(ask, 0);
  if (error) return html`<${ErrorBox} error=${error} />`;
  const last = data?.data[0];
  const used = last ? html`<a href=${`#/request/${last.request_id}`}>${ago(last.time)}</a>` : "never";
  return data && html`<p class="muted">Made <${Time} value=${row.created} />; last used ${used}.</p>`;
}

function Actions({ row, onDo, onToggle }) {
  const name = row.name || row.id;
  const toggle = row.active ? "Deactivate" : "Activate";
  return html`<span class="row together">
    <${Button} class="small" aria-label=${`Change ${name}`} onClick=${() => onDo("change", row)}>Change<//>
    <${Button} class="small" aria-label=${`Rotate ${name}`} onClick=${() => onDo("rotate", row)}>Rotate<//>
    <${Button} class="small" aria-label=${`${toggle} ${name}`} onClick=${() => onToggle(row)}>${toggle}<//>
    <${Button} class="small" kind="danger" aria-label=${`Delete ${name}`} onClick=${() => onDo("delete", row)}>Delete<//>
  </span>`;
}

/** The dialog that is open, if one is. */
function Doing({ doing, session, keys, onClose, onMade, onDone }) {
  const { what, row } = doing;
  const created = (made) => onMade(made, !session.needs_key);
  if (what === "made") return html`<${Made} made=${row} isFirst=${doing.isFirst} onClose=${onDone} />`;
  if (what === "create") return html`<${KeyForm} isFirst=${!session.needs_key} session=${session} onClose=${onClose} onDone=${created} />`;
  if (what === "rotate") return html`<${Rotate} row=${row} onClose=${onClose} onMade=${(made) => onMade(made, false)} />`;
  if (what === "delete") return html`<${Delete} row=${row} isLast=${keys.length === 1} onClose=${onClose} onDone=${onDone} />`;
  return html`<${KeyForm} row=${row} session=${session} onClose=${onClose} onDone=${onDone}><${LastUsed} row=${row} /><//>`;
}

export default function Keys({ session }) {
  const [doing, setDoing] = useState(null);
  const { data, error, again } = useFigures(askKeys, doing ? 0 : 15_000);
  const done = () => {
    setDoing(null);
    again();
  };
  const toggle = (row) =>
    post(`/v1/keys/${row.id}`, { active: !row.active }).then(
      () => (toast(row.active ? "Deactivated: it lets nobody in." : "Active again."), again()),
      (problem) => toast(problem.message, "bad"),
    );
  const begin = (what, row) => setDoing({ what, row });
  const columns = data && [
    ...HEAD,
    { key: "today", label: "Today", align: "end", hide: "phone", render: spent(data.today, "per_day", "of the day") },
    { key: "month", label: "This month", align: "end", hide: "phone", render: spent(data.month, "per_month", "of the month") },
    { key: "do", label: "Actions", render: (row) => html`<${Actions} row=${row} onDo=${begin} onToggle=${toggle} />` },
  ];
  const create = html`<${Button} kind="primary" onClick=${() => setDoing({ what: "create" })}>Create a key<//>`;
  return html`<div data-view="keys">
    <${ErrorBox} error=${error} retry=${again} />
    ${data && !data.keys.length &&
    html`<${Empty} title="There is no key yet" command="pointsman keys create --admin --name mine">
        Anybody on this machine is let in as an admin. Create the first key here, or on the command line:<//>
      <div class="row middle">${create}</div>`}
    ${data && data.keys.length > 0 &&
    html`<${Card} title="API keys" actions=${create} hint="Days and months are UTC's. A key's role and organisation stay for its life.">
      <${Table} caption="API keys with their limits and what they spent" columns=${columns} rows=${data.keys} rowKey=${(row) => row.id}
        rowProps=${(row) => ({ "data-key-id": row.id })} />
    <//>`}
    ${doing &&
    html`<${Doing} key=${doing.what} doing=${doing} session=${session} keys=${data?.keys ?? []}
      onClose=${() => setDoing(null)} onDone=${done}
      onMade=${(row, isFirst) => setDoing({ what: "made", row, isFirst })} />`}
  </div>`;
}
