// Feedback on one request.
import { html, useState } from "./vendor/preact.js";
import { post } from "./api.js";
import { Badge, Button, Card, Field, Icon, Time, calls, toast } from "./ui.js";

/** Thumbs, a comment, and what was said before. */
export function Said({ entry, session, onSaid }) {
  const [comment, setComment] = useState("");
  const [isBusy, setBusy] = useState(false);
  const say = async (rating) => {
    setBusy(true);
    try {
      await post("/v1/feedback", { request_id: entry.request_id, ...(rating === null ? {} : { rating }), ...(comment.trim() ? { comment: comment.trim() } : {}) });
      setComment("");
      toast("Thank you: it is in the books.");
      onSaid();
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      setBusy(false);
    }
  };
  return html`<${Card} title="Feedback" hint="Was the answer good enough? What is said here tells which models suffice for which requests.">
    ${calls(session) && html`<${Field} label="Comment (optional)">${(id) => html`<textarea id=${id} rows="2" maxlength="2000" value=${comment}
      onInput=${(event) => setComment(event.target.value)}></textarea>`}</${Field}>
    <div class="row thumbs">
      <${Button} busy=${isBusy} onClick=${() => say(1)}><${Icon} name="up" />Good</${Button}>
      <${Button} busy=${isBusy} onClick=${() => say(-1)}><${Icon} name="down" />Bad</${Button}>
      ${comment.trim() && html`<${Button} kind="quiet" busy=${isBusy} onClick=${() => say(null)}>Comment only</${Button}>`}
    </div>`}
    ${!calls(session) && !entry.feedback.length && html`<p class="muted">Nobody said anything of it; a read-only key can't either.</p>`}
    ${entry.feedback.length > 0 && html`<ul class="said">${entry.feedback.map((each, index) => html`<li key=${index}>
      <div class="row"><${Rating} value=${each.rating} /><span class="muted"><${Time} value=${each.time} relative=${true} /></span></div>
      ${each.comment && html`<p>${each.comment}</p>`}</li>`)}</ul>`}
  </${Card}>`;
}

function Rating({ value }) {
  if (value === null) return html`<${Badge}>comment</${Badge}>`;
  return html`<${Badge} kind=${value > 0 ? "good" : value < 0 ? "bad" : "plain"}>${value > 0 ? "good" : value < 0 ? "bad" : "neutral"}</${Badge}>`;
}
