// The gateway's HTTP API: JSON in, JSON out, and the live events.

/** What the gateway answered where it was no success. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** Dispatched on `window` when the gateway wants a key again. */
export const SIGNED_OUT = "pointsman:signed-out";

let csrf = null;

/** The session as the gateway knows it; see GET /dashboard/session. */
export async function session() {
  return remember(await ask("GET", "/dashboard/session"));
}

/** Trade a key for a session. */
export async function signIn(key) {
  return remember(await ask("POST", "/dashboard/session", { body: { key }, isSignIn: true }));
}

/** End the session. */
export async function signOut() {
  await ask("DELETE", "/dashboard/session");
  csrf = null;
}

export const get = (path, params, signal) => ask("GET", path, { params, signal });
export const post = (path, body, signal) => ask("POST", path, { body, signal });
export const del = (path, params) => ask("DELETE", path, { params });

/** As `post`, with the reply's headers: {body, headers}. */
export const send = (path, body, signal) => ask("POST", path, { body, signal, isWhole: true });

/** `path` with those `params` that say something. */
export function url(path, params = {}) {
  const said = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(said).toString();
  return query ? `${path}?${query}` : path;
}

/**
 * Live entries, until the function that is returned is called.
 * `onEntries(entries, dropped)` gets each batch and how many a slow page lost;
 * `onState` hears "connecting", "open" and "waiting". Reconnects, ever more slowly.
 * A browser has few connections to a server: while the tab is hidden, there is none of them.
 */
export function watch(params, onEntries, onState = () => {}) {
  let source = null;
  let timer = null;
  let failures = 0;

  function open() {
    onState("connecting");
    source = new EventSource(url("/v1/events", params));
    source.addEventListener("open", () => {
      failures = 0;
      onState("open");
    });
    source.addEventListener("entries", (event) => {
      const { entries, dropped } = JSON.parse(event.data);
      onEntries(entries, dropped ?? 0);
    });
    source.addEventListener("error", () => {
      source.close();
      onState("waiting");
      timer = setTimeout(open, Math.min(1000 * 2 ** failures++, 15000));
      // An event source does not tell a 401 from a gateway that is gone; a request does.
      if (failures === 2) session().then(tellIfSignedOut, () => {});
    });
  }

  function close() {
    clearTimeout(timer);
    source?.close();
  }

  function turn() {
    close();
    if (!document.hidden) open();
  }

  turn();
  document.addEventListener("visibilitychange", turn);
  return () => {
    document.removeEventListener("visibilitychange", turn);
    close();
  };
}

function tellIfSignedOut(now) {
  if (now.needs_key && !now.signed_in) window.dispatchEvent(new Event(SIGNED_OUT));
}

function remember(now) {
  csrf = now.csrf;
  return now;
}

async function ask(method, path, { params, body, signal, isSignIn = false, isWhole = false } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (csrf !== null && method !== "GET") headers["x-pointsman-csrf"] = csrf;
  let reply;
  try {
    reply = await fetch(url(path, params), {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "The gateway does not answer. Is it still running?");
  }
  if (reply.ok) {
    const said = reply.status === 204 ? null : await reply.json();
    return isWhole ? { body: said, headers: reply.headers } : said;
  }
  if (reply.status === 401 && !isSignIn) window.dispatchEvent(new Event(SIGNED_OUT));
  throw await errorOf(reply);
}

async function errorOf(reply) {
  const said = await reply.json().catch(() => ({}));
  const error = said.error ?? {};
  return new ApiError(
    reply.status,
    error.code ?? error.type ?? "error",
    error.message ?? `The gateway answered ${reply.status}.`,
  );
}
