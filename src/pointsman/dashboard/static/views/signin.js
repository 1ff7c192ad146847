// Trade a key for a session.
import { html, useState } from "../vendor/preact.js";
import { signIn } from "../api.js";
import { Button, Field } from "../ui.js";

export default function SignIn({ onSignedIn }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      onSignedIn(await signIn(key.trim()));
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return html`<main class="lone" data-view="signin">
    <form class="signin card" onSubmit=${submit}>
      <img src="/dashboard/icon.svg" alt="" width="44" height="44" />
      <h1>Sign in to Pointsman</h1>
      <p class="intro">With a key of this gateway. It is sent once; the browser keeps a session, not the key.</p>
      <${Field} label="Key">${(id) => html`<input id=${id} type="password" autocomplete="off" spellcheck="false" required placeholder="pm-…"
        value=${key} aria-invalid=${error ? "true" : undefined} onInput=${(event) => setKey(event.target.value)} />`}</${Field}>
      ${error && html`<p class="bad-text" role="alert">${error.message}</p>`}
      <${Button} type="submit" kind="primary" busy=${isBusy} disabled=${!key.trim()}>Sign in</${Button}>
      <p class="foot">No key yet? On the gateway's machine: <code>pointsman keys create --admin</code></p>
    </form>
  </main>`;
}
