// The shell: session, navigation, time range, theme; views are loaded when they are first looked at.
import { html, render, useCallback, useEffect, useErrorBoundary, useState } from "./vendor/preact.js";
import { SIGNED_OUT, session as askSession, signOut } from "./api.js";
import { RangePicker, firstRange, renewed } from "./range.js";
import { ErrorBox, Icon, Toasts, calls, keep, manages, seesAll } from "./ui.js";
import SignIn from "./views/signin.js";

const VIEWS = {
  overview: { label: "Overview", load: () => import("./views/overview.js") },
  live: { label: "Live", load: () => import("./views/live.js") },
  upstreams: { label: "Upstreams", load: () => import("./views/upstreams.js") },
  cache: { label: "Cache", load: () => import("./views/cache.js"), may: manages },
  keys: { label: "Keys", load: () => import("./views/keys.js"), may: manages, isTimeless: true },
  playground: { label: "Playground", load: () => import("./views/playground.js"), may: calls, isTimeless: true },
  feedback: { label: "Feedback", load: () => import("./views/feedback.js") },
  learning: { label: "Learning", load: () => import("./views/learning.js"), may: seesAll, isTimeless: true },
  request: { label: "Request", load: () => import("./views/request.js"), within: "live", isTimeless: true },
};
const THEMES = ["system", "light", "dark"];
const RENEWED_EVERY_MS = 30_000;

/** `#/request/req_1?tab=raw` is {view: "request", params: {id: "req_1", tab: "raw"}}. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  const params = Object.fromEntries(new URLSearchParams(query));
  if (rest.length) params.id = decoded(rest.join("/"));
  return { view: Object.hasOwn(VIEWS, view) ? view : "overview", params };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a link that somebody cut off
  }
}

function usePlace() {
  const [at, setAt] = useState(place);
  useEffect(() => {
    const moved = () => setAt(place());
    moved(); // it may have changed before anybody listened
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  return at;
}

function useTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "system");
  const [isDark, setDark] = useState(system.matches);
  useEffect(() => {
    const changed = (event) => setDark(event.matches);
    system.addEventListener("change", changed);
    return () => system.removeEventListener("change", changed);
  }, []);
  const choose = (next) => {
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    keep("theme", next);
    setTheme(next);
  };
  return { theme, scheme: theme === "system" ? (isDark ? "dark" : "light") : theme, choose };
}

function useRange() {
  const [range, setRange] = useState(firstRange);
  const renew = useCallback(() => setRange(renewed), []);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && renew(), RENEWED_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { range, setRange, renew };
}

function App() {
  const [session, setSession] = useState(null);
  const [error, setError] = useState(null);
  const refresh = useCallback(() => askSession().then((now) => (setSession(now), setError(null)), setError), []);
  useEffect(() => {
    refresh();
    window.addEventListener(SIGNED_OUT, refresh);
    return () => window.removeEventListener(SIGNED_OUT, refresh);
  }, []);

  if (error) return html`<main class="lone"><${ErrorBox} error=${error} retry=${refresh} /></main>`;
  if (session === null) return html`<main class="lone" aria-busy="true"><p class="muted">Loading…</p></main>`;
  if (session.needs_key && !session.signed_in) return html`<${SignIn} session=${session} onSignedIn=${setSession} /><${Toasts} />`;
  return html`<${Shell} session=${session} onSignOut=${() => signOut().finally(refresh)} />`;
}

function Shell({ session, onSignOut }) {
  const { view, params } = usePlace();
  const { range, setRange, renew } = useRange();
  const { theme, scheme, choose } = useTheme();
  const current = VIEWS[view].within ?? view;
  const shown = Object.entries(VIEWS).filter(([, each]) => !each.within && (each.may?.(session) ?? true));
  useEffect(() => {
    document.title = `${VIEWS[view].label} · Pointsman`;
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [view]);

  return html`
    <a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <header class="side">
      <a class="brand" href="#/overview"><img src="/dashboard/icon.svg" alt="" width="24" height="24" />Pointsman</a>
      <nav aria-label="Views">${shown.map(([name, each]) =>
        html`<a key=${name} href=${`#/${name}`} aria-current=${name === current ? "page" : undefined}><${Icon} name=${name} />${each.label}</a>`)}</nav>
      <footer>
        ${session.principal && session.needs_key && html`<p
          title="who is signed in">${session.principal.key} <span>${session.principal.organisation} · ${session.principal.role}</span></p>`}
        <p class="version">v${session.version}</p>
      </footer>
    </header>
    <div class="page">
      <div class="bar">
        <h1>${VIEWS[view].label}</h1>
        <div class="tools">
          ${!VIEWS[view].isTimeless && html`<${RangePicker} range=${range} onChange=${setRange} />`}
          <button type="button" class="icon" aria-label="Refresh" title="Refresh" onClick=${renew}><${Icon} name="refresh" /></button>
          <${ThemeButton} theme=${theme} onChange=${choose} />
          ${session.needs_key && html`<button type="button" class="icon" aria-label="Sign out" title="Sign out"
            onClick=${onSignOut}><${Icon} name="out" /></button>`}
        </div>
      </div>
      <main id="content" tabindex="-1"><${View} key=${view} name=${view} params=${params} session=${session} range=${range} scheme=${scheme} /></main>
    </div>
    <${Toasts} />`;
}

function skip(event) {
  event.preventDefault(); // the hash names the view
  document.getElementById("content").focus();
}

function ThemeButton({ theme, onChange }) {
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const label = `Theme: ${theme}. Change to ${next}`;
  return html`<button type="button" class="icon" aria-label=${label} title=${label} onClick=${() => onChange(next)}>
    <${Icon} name=${{ system: "system", light: "sun", dark: "moon" }[theme]} />
  </button>`;
}

function View({ name, ...given }) {
  const [Shown, setShown] = useState(null);
  const [error, setError] = useState(null);
  const [crash] = useErrorBoundary();
  useEffect(() => {
    VIEWS[name].load().then((module) => setShown(() => module.default), setError);
  }, [name]);
  if (error ?? crash) return html`<${ErrorBox} error=${error ?? crash} retry=${() => location.reload()} />`;
  return Shown === null ? html`<p class="muted" aria-busy="true">Loading…</p>` : html`<${Shown} ...${given} />`;
}

VIEWS[place().view].load().catch(() => {}); // beside the session; where it fails, the view says so
render(html`<${App} />`, document.getElementById("app"));
