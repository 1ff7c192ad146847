// What became of a request: its figures, and its attempts on a line of time.
import { html } from "./vendor/preact.js";
import { Badge, Card, Hint, Money, Ms, Tokens, count, ms, percent } from "./ui.js";
import { OUTCOMES } from "./decision.js";

/** Tokens, money and time of one entry. */
export function Figures({ entry }) {
  const usage = entry.usage;
  const speaking = entry.latency_ms - (entry.ttft_ms ?? 0);
  const speed = usage?.output_tokens > 1 && entry.ttft_ms != null && speaking > 50 ? (1000 * usage.output_tokens) / speaking : null;
  const share = Number(entry.baseline_cost) > 0 && entry.saved != null ? html` <span class="num">(${percent(Number(entry.saved) / Number(entry.baseline_cost))})</span>` : "";
  return html`<section class="card" aria-label="Figures"><dl class="stats">
    <${Stat} label="Cost" note=${Number(entry.overhead) > 0 ? html`of that drafts and checks <${Money} value=${entry.overhead} />` : null}><${Money} value=${entry.cost} /></${Stat}>
    <${Stat} label="Saved" hint="What the same tokens would have cost on the baseline, less what this request cost. Nothing where either price is unknown."
      note=${entry.baseline_cost == null ? null : html`baseline <${Money} value=${entry.baseline_cost} />${share}`}><${Money} value=${entry.saved} /></${Stat}>
    <${Stat} label="Time taken" note=${speed === null ? null : `${count(Math.round(speed))} tokens a second`}><${Ms} value=${entry.latency_ms} /></${Stat}>
    <${Stat} label="First byte" hint="From the request's arrival until the first byte of the answer was sent."><${Ms} value=${entry.ttft_ms} /></${Stat}>
    <${Stat} label="Tokens in" note=${usage?.cached_tokens > 0 ? `${count(usage.cached_tokens)} from the provider's cache` : null}><${Tokens} value=${usage?.input_tokens} /></${Stat}>
    <${Stat} label="Tokens out" note=${usage?.reasoning_tokens > 0 ? `${count(usage.reasoning_tokens)} of them reasoning` : usage?.estimated ? "counted by us" : null}><${Tokens} value=${usage?.output_tokens} /></${Stat}>
  </dl></section>`;
}

function Stat({ label, hint, note, children }) {
  return html`<div class="stat"><dt>${label}${hint && html`<${Hint} text=${hint} />`}</dt><dd>${children}</dd>${note &&
    html`<dd class="note">${note}</dd>`}</div>`;
}

/** Every call that was made for the request, one below the other, as long as it took. */
export function Attempts({ entry }) {
  if (!entry.attempts.length) return null;
  const whole = Math.max(1e-6, entry.latency_ms ?? 0, entry.attempts.reduce((sum, each) => sum + each.latency_ms, 0));
  const starts = entry.attempts.map((_, index) => entry.attempts.slice(0, index).reduce((sum, each) => sum + each.latency_ms, 0));
  const share = (value) => `${(100 * value) / whole}%`;
  return html`<${Card} title="Attempts" hint="Calls in the order in which they began, each from where the one before it ended. Pale: waited in the deployment's queue.">
    <ol class="timeline">${entry.attempts.map((each, index) => html`<li key=${index}>
      <div class="row who"><strong>${each.deployment}</strong><${Badge} kind=${OUTCOMES[each.outcome] ?? "plain"}>${each.outcome.replace("_", " ")}${each.status && each.status !== 200 ? ` ${each.status}` : ""}</${Badge}>
        ${each.purpose !== "answer" && html`<${Badge}>${each.purpose}</${Badge}>`}</div>
      <div class="track" role="img" aria-label=${`began after ${ms(starts[index])}, took ${ms(each.latency_ms)}, of that ${ms(each.queued_ms)} in the queue`}>
        <i class=${`run ${OUTCOMES[each.outcome] ?? ""}`} style=${{ left: share(starts[index]), width: share(each.latency_ms) }}></i>
        <i class="wait" style=${{ left: share(starts[index]), width: share(each.queued_ms) }}></i>
        ${entry.ttft_ms != null && index === entry.attempts.length - 1 &&
          html`<i class="first" style=${{ left: share(Math.min(entry.ttft_ms, whole)) }} title=${`first byte after ${ms(entry.ttft_ms)}`}></i>`}
      </div>
      <span class="num took">${ms(each.latency_ms)}</span>
      ${(each.error || each.left_out.length > 0 || each.served_model) && html`<p class="note">
        ${each.error && html`<span class="bad-text">${each.error}</span> `}
        ${each.left_out.length > 0 && html`<span>Not passed on: ${each.left_out.join(", ")}. </span>`}
        ${each.served_model && html`<span>Served by ${each.served_model}.</span>`}</p>`}
    </li>`)}</ol>
    <div class="axis num" aria-hidden="true"><span>0</span><span>${ms(whole)}</span></div>
  </${Card}>`;
}
