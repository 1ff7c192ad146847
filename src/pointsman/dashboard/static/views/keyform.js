// The form for a key: one that is made, or one that is changed.

import { post } from "../api.js";
import { Button, Dialog, ErrorBox, Field } from "../ui.js";
import { html, useState } from "../vendor/preact.js";

const EXPIRES = { keep: "as it is", never: "never", 1: "in a day", 7: "in a week", 30: "in 30 days", 90: "in 90 days", 365: "in a year" };
const PRIVACY = { "": "as configured", off: "off", secrets: "secrets", personal: "personal", local: "local only" };
const DAY_MS = 86_400_000;

/** What the form holds at first: texts, as the controls have them. */
function first(row, isFirst) {
  const text = (value) => (value == null ? "" : String(value));
  const names = (list) => (list ?? []).join(", ");
  return {
    name: row?.name ?? "",
    organisation: "",
    role: isFirst ? "admin" : "user",
    everywhere: Boolean(isFirst),
    expires: row ? "keep" : "never",
    models: names(row?.models),
    tiers: names(row?.tiers),
    routes: names(row?.routes),
    privacy: row?.privacy ?? "",
    requests: text(row?.limits.requests_per_minute),
    tokens: text(row?.limits.tokens_per_minute),
    concurrent: text(row?.limits.concurrent),
    day: text(row?.budgets.per_day),
    month: text(row?.budgets.per_month),
  };
}

/** The members that say another thing than `before`; a new key leaves out what is empty. */
function wish(form, before, isNew) {
  const differs = (name) => form[name] !== before[name];
  const number = (text) => (text.trim() === "" ? null : Number(text));
  const list = (text) => {
    const names = text.split(",").map((each) => each.trim()).filter(Boolean);
    return names.length ? names : null;
  };
  const said = {};
  const put = (target, member, name, read) => {
    if (differs(name)) target[member] = read(form[name]);
  };
  put(said, "name", "name", (text) => text.trim());
  if (isNew) {
    said.role = form.role;
    said.everywhere = form.role === "admin" && form.everywhere;
    put(said, "organisation", "organisation", (text) => text.trim());
  }
  for (const name of ["models", "tiers", "routes"]) put(said, name, name, list);
  put(said, "privacy", "privacy", (text) => text || null);
  put(said, "expires", "expires", expiry);
  const limits = {};
  put(limits, "requests_per_minute", "requests", number);
  put(limits, "tokens_per_minute", "tokens", number);
  put(limits, "concurrent", "concurrent", number);
  const budgets = {};
  put(budgets, "per_day", "day", number);
  put(budgets, "per_month", "month", number);
  if (Object.keys(limits).length) said.limits = limits;
  if (Object.keys(budgets).length) said.budgets = budgets;
  return said;
}

function expiry(choice) {
  return choice === "never" ? null : new Date(Date.now() + Number(choice) * DAY_MS).toISOString();
}

function Choices({ id, value, onChange, choices }) {
  return html`<select id=${id} value=${value} onChange=${onChange}>
    ${Object.entries(choices).map(([each, words]) => html`<option key=${each} value=${each}>${words}</option>`)}
  </select>`;
}

/** Makes a key, or changes `row`; `onDone` gets what the gateway answered. */
export function KeyForm({ row, isFirst = false, session, onClose, onDone, children }) {
  const [before] = useState(() => first(row, isFirst));
  const [form, setForm] = useState(before);
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const set = (name) => (event) => {
    const { type, checked, value } = event.target;
    setForm((was) => ({ ...was, [name]: type === "checkbox" ? checked : value }));
  };
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      onDone(await post(row ? `/v1/keys/${row.id}` : "/v1/keys", wish(form, before, !row)));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const text = (label, name, hint, more = {}) =>
    html`<${Field} label=${label} hint=${hint}>
      ${(id) => html`<input id=${id} type="text" autocomplete="off" ...${more} value=${form[name]} onInput=${set(name)} />`}
    <//>`;
  const whole = (label, name) => text(label, name, null, { type: "number", min: "1", step: "1", placeholder: "none" });
  const dollars = (label, name) => text(label, name, null, { type: "number", min: "0", step: "any", placeholder: "none" });
  const choices = (label, name, options, hint) =>
    html`<${Field} label=${label} hint=${hint}>
      ${(id) => html`<${Choices} id=${id} value=${form[name]} onChange=${set(name)} choices=${options} />`}
    <//>`;
  const { keep, ...future } = EXPIRES;
  const title = row ? `Change ${row.name || row.id}` : "Create a key";
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="stack" onSubmit=${send}>
      <${ErrorBox} error=${error} />
      ${children}
      ${isFirst &&
      html`<p class="warn-text">With the first key, every request needs one. Make it an admin's: only an admin makes others.</p>`}
      ${text("Name", "name", "What people call it, such as laptop or ci.", { maxlength: 64 })}
      ${!row &&
      html`<div class="pair">
          ${choices("Role", "role", { user: "user: calls models", "read-only": "read-only: reads the books", admin: "admin: manages" })}
          ${text("Organisation", "organisation", null, { placeholder: session.principal?.organisation ?? "default" })}
        </div>
        ${form.role === "admin" &&
        html`<${Field} inline label="Of all organisations">
          ${(id) => html`<input id=${id} type="checkbox" checked=${form.everywhere} onChange=${set("everywhere")} />`}
        <//>`}`}
      ${choices("Expires", "expires", row ? { keep, ...future } : future)}
      <fieldset><legend>Budgets, US dollars</legend>${dollars("Each day", "day")}${dollars("Each month", "month")}</fieldset>
      <fieldset><legend>Limits</legend>
        ${whole("Requests a minute", "requests")}${whole("Tokens a minute", "tokens")}${whole("At the same time", "concurrent")}
      </fieldset>
      <fieldset><legend>May use; empty is all</legend>
        ${text("Models", "models")}${text("Tiers", "tiers")}${text("May ask for", "routes")}${choices("Privacy", "privacy", PRIVACY)}
      </fieldset>
      <div class="row spread">
        <${Button} kind="quiet" onClick=${onClose}>Cancel<//>
        <${Button} kind="primary" type="submit" busy=${isBusy}>${row ? "Save" : "Create"}<//>
      </div>
    </form>
  <//>`;
}
