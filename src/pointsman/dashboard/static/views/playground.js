// Where would this prompt go? The decision as one types, under thresholds that can be moved.
import { html, useEffect, useState } from "../vendor/preact.js";
import { post, send } from "../api.js";
import { About, Parts, PlanList, Route, ScoreScale, useDeployments } from "../decision.js";
import { Badge, Button, Card, Empty, ErrorBox, Field, Money, Ms } from "../ui.js";

const PAUSE_MS = 150;
const EXAMPLES = {
  "A fact": "What is the capital of France?",
  "Code": "Explain how Python decorators work, with an example",
  "Design": "Design a distributed cache for 10 million requests per second",
  "Law": "Review this contract clause for GDPR compliance: all data may be kept for ever",
};

export default function Playground() {
  const [prompt, setPrompt] = useState("");
  const [model, setModel] = useState("auto");
  const [shift, setShift] = useState(0);
  const deployments = useDeployments();
  const { decision, error } = useDecision(prompt, model, shift);
  const tiers = [...new Set(Object.values(deployments).map((each) => each.tier))];

  return html`<div data-view="playground">
    <div class="play">
      <div class="stack">
        <${Card} title="Prompt">
          <div class="stack">
            <${Field} label="What would somebody ask?">${(id) => html`<textarea id=${id} value=${prompt}
              placeholder="Type, and see where it would go. No model is called."
              onInput=${(event) => setPrompt(event.target.value)}></textarea>`}</${Field}>
            <div class="row" role="group" aria-label="Examples"><small>For example</small>${Object.entries(EXAMPLES).map(([name, text]) =>
              html`<button type="button" class="chip" key=${name} title=${text} onClick=${() => setPrompt(text)}>${name}</button>`)}</div>
            <${Field} label="Model asked for">${(id) => html`<select id=${id} value=${model} onChange=${(event) => setModel(event.target.value)}>
              ${["auto", "local", "cloud", ...tiers, ...Object.keys(deployments)].map((each) =>
                html`<option key=${each} value=${each}>${each}</option>`)}</select>`}</${Field}>
            <${Field} label="Move every threshold by"
              hint="Lower sends more to strong models, higher more to cheap ones. It changes this page only.">${(id) => html`<div class="slider">
              <input id=${id} type="range" min="-100" max="100" step="1" value=${shift} onInput=${(event) => setShift(Number(event.target.value))} />
              <output class="num" for=${id}>${shift > 0 ? `+${shift}` : shift < 0 ? `−${-shift}` : "±0"}</output></div>`}</${Field}>
            ${shift !== 0 && html`<div><${Button} class="small" onClick=${() => setShift(0)}>Back to the real thresholds</${Button}></div>`}
          </div>
        </${Card}>
        ${decision && html`<${Card} title="Plan"><${PlanList} decision=${decision} deployments=${deployments} /></${Card}>`}
      </div>
      <div class="stack">
        <${ErrorBox} error=${error} />
        ${decision ? html`<${Decided} decision=${decision} deployments=${deployments} />` : !error && html`<${Card}><${Empty}
          title="Nothing decided yet">Type a prompt, or take an example. The score, its parts and the plan appear here, with the cost that is expected.</${Empty}></${Card}>`}
      </div>
    </div>
    ${decision && html`<${Ask} prompt=${prompt} decision=${decision} deployments=${deployments} />`}
  </div>`;
}

/** The decision for what stands there now, a moment after the last change. */
function useDecision(prompt, model, shift) {
  const [state, setState] = useState({ decision: null, error: null });
  useEffect(() => {
    if (!prompt.trim()) {
      setState({ decision: null, error: null });
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      post("/v1/route", { prompt, model, ...(shift ? { shift } : {}) }, abort.signal).then(
        (decision) => setState({ decision, error: null }),
        (error) => error.name !== "AbortError" && setState((was) => ({ ...was, error })),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [prompt, model, shift]);
  return state;
}

function Decided({ decision, deployments }) {
  return html`<${Card} title="Decision">
      <div class="decided"><span class="where">${decision.deployment ?? "nobody"}</span>
        <${Route} value=${deployments[decision.deployment]?.location ?? null} /><${Badge} kind="accent">${decision.tier}</${Badge}>
        <span class="muted">expected to cost <${Money} value=${decision.estimated_cost_usd} /></span></div>
      <p class="muted" role="status">${decision.reasoning}</p>
      <${ScoreScale} score=${decision.score} bounds=${decision.bounds} />
      <${Parts} parts=${decision.parts} />
      <${About} decision=${decision} />
    </${Card}>`;
}

/** The prompt really sent, to one place or to two side by side. */
function Ask({ prompt, decision, deployments }) {
  const [places, setPlaces] = useState(["", ""]);
  const [answers, setAnswers] = useState([]);
  const [isBusy, setBusy] = useState(false);
  const ask = async () => {
    const chosen = [places[0] || decision.deployment, ...(places[1] ? [places[1]] : [])];
    setBusy(true);
    setAnswers(chosen.map((place) => ({ place })));
    await Promise.all(chosen.map(async (place, index) => {
      const answer = await answered(place, prompt);
      setAnswers((was) => was.map((each, at) => (at === index ? { place, ...answer } : each)));
    }));
    setBusy(false);
  };
  const place = (index, label, none) => html`<${Field} label=${label}>${(id) => html`<select id=${id} value=${places[index]}
    onChange=${(event) => setPlaces(places.map((each, at) => (at === index ? event.target.value : each)))}>
    <option value="">${none}</option>${Object.keys(deployments).map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select>`}</${Field}>`;
  return html`<${Card} title="Ask for real" hint="Calls the model: it costs what it costs, and stands in the books.">
    <div class="stack">
      <div class="ask">${place(0, "Ask", `as decided (${decision.deployment ?? "nobody"})`)}${place(1, "Beside it", "nobody")}
        <${Button} kind="primary" busy=${isBusy} disabled=${!prompt.trim()} onClick=${ask}>Send</${Button}></div>
      ${answers.length > 0 && html`<div class="grid">${answers.map((each, index) => html`<${Answer} key=${index} ...${each} />`)}</div>`}
    </div>
  </${Card}>`;
}

async function answered(place, prompt) {
  const began = performance.now();
  try {
    const { body, headers } = await send("/v1/chat/completions", { model: place, messages: [{ role: "user", content: prompt }] });
    return {
      text: body.choices?.[0]?.message?.content ?? "",
      took: performance.now() - began,
      cost: headers.get("x-pointsman-cost"),
      cache: headers.get("x-pointsman-cache"),
      id: headers.get("x-request-id"),
    };
  } catch (error) {
    return { error };
  }
}

function Answer({ place, text, error, took, cost, cache, id }) {
  return html`<article class="answer turn" aria-busy=${text === undefined && !error ? "true" : undefined}>
    <div class="row"><strong>${place}</strong>
      ${id && html`<span class="muted"><${Money} value=${cost} /> · <${Ms} value=${took} /></span>`}
      ${/^(exact|semantic)/.test(cache ?? "") && html`<${Badge} kind="cache">cache</${Badge}>`}
      ${id && html`<a href=${`#/request/${encodeURIComponent(id)}`}>why</a>`}</div>
    ${error ? html`<${ErrorBox} error=${error} />` : text === undefined ? html`<p class="busy">Thinking…</p>` : html`<pre tabindex="0">${text}</pre>`}
  </article>`;
}
