// What a request would have cost elsewhere, and where other thresholds would have sent it.
import { html, useState } from "./vendor/preact.js";
import { get } from "./api.js";
import { Badge, Card, ErrorBox, Field, Money, Table, money, useLoad } from "./ui.js";

/** What is known of other places and thresholds, for both cards below. */
export const useElsewhere = (id) => useLoad((signal) => get(`/v1/decisions/${encodeURIComponent(id)}/alternatives`, {}, signal), [id]);

/** The same tokens at every deployment. */
export function Alternatives({ elsewhere }) {
  const { data, error } = elsewhere;
  const rows = [...(data?.alternatives ?? [])].sort((a, b) => Number(a.cost ?? Infinity) - Number(b.cost ?? Infinity));
  const chosen = rows.find((row) => row.chosen)?.cost;
  const most = Math.max(1e-12, ...rows.map((row) => Number(row.cost ?? 0)));
  const columns = [
    { key: "deployment", label: "Deployment", render: (row) => html`<span class=${row.chosen ? "chosen nowrap" : ""}>${row.deployment} ${row.chosen &&
      html`<${Badge} kind="accent">answered</${Badge}>`}</span>` },
    { key: "tier", label: "Tier", hide: "phone" },
    { key: "bar", label: html`<span class="unseen">Share</span>`, hide: "phone", render: (row) =>
      html`<span class="portion" aria-hidden="true"><i class=${row.chosen ? "on" : ""} style=${{ width: `${(100 * Number(row.cost ?? 0)) / most}%` }}></i></span>` },
    { key: "cost", label: "Cost", align: "end", render: (row) => html`<${Money} value=${row.cost} />` },
    { key: "less", label: "Difference", align: "end", render: (row) => html`<span class="muted num">${difference(row, chosen)}</span>` },
  ];
  return html`<${Card} class="alternatives" title="Cost against each alternative"
    hint="The same number of tokens at each deployment's price; another model would have said it in more or fewer.">
    <${ErrorBox} error=${error} />
    ${rows.length > 0 && html`<${Table} caption="Cost at each deployment" columns=${columns} rows=${rows} rowKey=${(row) => row.deployment} />`}
    ${data && !rows.length && html`<p class="muted">No tokens are known of this request.</p>`}
  </${Card}>`;
}

function difference(row, chosen) {
  if (row.chosen || row.cost == null || chosen == null) return "";
  const more = Number(row.cost) - Number(chosen);
  return more > 0 ? `+${money(more)}` : money(more);
}

/** Where it would have gone had every threshold been higher or lower. */
export function Shifted({ entry, elsewhere }) {
  const { data, error } = elsewhere;
  const [shift, setShift] = useState(0);
  const at = data?.at ?? [];
  const tiers = (data?.thresholds ?? []).map((each) => each.tier);
  const there = at.find((each) => each.shift === shift);
  const now = at.find((each) => each.shift === 0);
  return html`<${Card} title="At another threshold"
    hint="All thresholds moved together, the score as it was. Lower ones send more to strong models, higher ones more to cheap ones.">
    <${ErrorBox} error=${error} />
    ${data && !at.length && html`<p class="muted">No threshold chose for this request, so none would have changed it.</p>`}
    ${there && html`
      <div class="strip" aria-hidden="true">${at.map((each) =>
        html`<i key=${each.shift} class=${`tier-${Math.min(3, Math.max(0, tiers.indexOf(each.tier)))} ${each.shift === shift ? "on" : ""}`}
        title=${`${signed(each.shift)}: ${each.tier}`}></i>`)}</div>
      <${Field} label="Move every threshold by">${(id) =>
        html`<input id=${id} type="range" min=${at[0].shift} max=${at.at(-1).shift} step=${step(at)} value=${shift}
        aria-valuetext=${`${signed(shift)}: ${there.tier}`} onInput=${(event) => setShift(Number(event.target.value))} />`}</${Field}>
      <p class="outcome" aria-live="polite"><span class="num">${signed(shift)}</span> → <strong>${there.tier}</strong>
        ${there.tier === now.tier ? html` <span class="muted">as it was${now.tier === entry.tier ? "" : `, by its score; a rule made it ${entry.tier}`}</span>` : html` <${Badge} kind="warn">instead of ${now.tier}</${Badge}>`}</p>
      <div class="row legend">${tiers.map((tier, index) => html`<span key=${tier}><i class=${`swatch tier-${Math.min(3, index)}`}></i>${tier}</span>`)}</div>`}
  </${Card}>`;
}

const step = (at) => (at.length > 1 ? at[1].shift - at[0].shift : 1);
const signed = (shift) => (shift > 0 ? `+${shift}` : shift < 0 ? `−${-shift}` : "±0");
