// Charts over uPlot: bars by time, lines, the distribution of scores. Each has its values as a table.

import uPlot from "./vendor/uplot.js";
import { percent } from "./format.js";
import { colour } from "./ui.js";
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Counts the changes of the theme, so that what is painted with its colours is painted anew. */
function useTheme() {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const changed = () => setCount((before) => before + 1);
    const watcher = new MutationObserver(changed);
    watcher.observe(document.documentElement, { attributes: true });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", changed);
    return () => {
      watcher.disconnect();
      system.removeEventListener("change", changed);
    };
  }, []);
  return count;
}

/** A time, as much of it as `step` seconds tell apart; in UTC where the steps are UTC's days. */
function timeName(seconds, step, zone) {
  const time = new Date(seconds * 1000);
  const day = time.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: zone });
  if (step >= DAY) return day;
  const parts = { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined, timeZone: zone };
  const clock = time.toLocaleTimeString("en-GB", parts);
  return step >= HOUR && clock === "00:00" ? day : clock;
}

/** What a moment is called in a legend and in a table. */
function moment(seconds, step) {
  if (step >= DAY) return timeName(seconds, DAY, "UTC");
  return `${timeName(seconds, DAY)}, ${timeName(seconds, Math.min(step, HOUR - 1))}`;
}

/** Each row with all below it added, so that bars that are painted one over the other stand on each other. */
function stacked(rows) {
  const sums = [];
  for (const row of rows) {
    const below = sums.at(-1);
    sums.push(row.map((value, at) => (value ?? 0) + (below ? below[at] : 0)));
  }
  return sums;
}

function axes(format, xName) {
  const common = {
    stroke: colour("muted"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
  };
  return [
    { ...common, values: xName, grid: { show: false }, size: 28, space: 64 },
    {
      ...common,
      values: (_, splits) => splits.map((value) => format(value)),
      grid: { stroke: colour("line"), width: 1 },
      size: (plot, labels) => (labels ? Math.max(...labels.map((label) => label.length)) * 6.5 + 14 : 40),
      space: 32,
    },
  ];
}

/** What keeps a name readable above bars. */
function halo(ctx, name, left, top) {
  ctx.save();
  ctx.strokeStyle = colour("surface");
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.setLineDash([]);
  ctx.strokeText(name, left, top);
  ctx.restore();
}

/** Vertical lines with names: where the tiers begin. */
function marked(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour("text");
  ctx.fillStyle = colour("text");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  marks.forEach(({ at, name }, order) => {
    const left = plot.valToPos(at, "x", true);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    const next = order + 1 < marks.length ? plot.valToPos(marks[order + 1].at, "x", true) : bbox.left + bbox.width;
    const isTight = next - left < ctx.measureText(name).width + 8 * devicePixelRatio;
    ctx.textAlign = isTight ? "right" : "left";
    const top = bbox.top + (10 + 14 * (order % 2)) * devicePixelRatio;
    const beside = left + (isTight ? -4 : 4) * devicePixelRatio;
    halo(ctx, name, beside, top);
    ctx.fillText(name, beside, top);
  });
  ctx.restore();
}

/** Which value is under the pointer: the nearest point, or the bar that begins left of it; null for none. */
function under(plot, isBars) {
  const { idx, left } = plot.cursor;
  if (idx == null || left < 0) return null;
  return isBars && idx > 0 && plot.data[0][idx] > plot.posToVal(left, "x") ? idx - 1 : idx;
}

/** Where values stand that no line reaches, since those beside them are unknown; null for nowhere. */
function alone(values) {
  const isThere = (at) => values[at] != null;
  const found = [...values.keys()].filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
  return found.length ? found : null;
}

function plotOptions({ series, kind, format, marks, span, xName, height, onIndex }) {
  const isBars = kind === "bars";
  const painted = series.map((each) => {
    const ink = colour(each.colour);
    const points = { show: false, filter: (plot, at) => (isBars ? null : alone(plot.data[at])) };
    const line = { label: each.label, stroke: ink, points };
    if (isBars) {
      return { ...line, fill: ink, width: 0, paths: uPlot.paths.bars({ size: [0.86, 48], align: 1 }) };
    }
    return { ...line, width: 1.75, dash: each.dashed ? [5, 4] : undefined };
  });
  return {
    width: 300,
    height,
    padding: [10, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: !isBars }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => span },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] },
    },
    axes: axes(format, xName),
    series: [{}, ...(isBars ? painted.reverse() : painted)],
    hooks: {
      setCursor: [(plot) => onIndex(under(plot, isBars))],
      draw: marks.length ? [(plot) => marked(plot, marks)] : [],
    },
  };
}

/** A value as text; `at` is where it stands, null for the total. What lacks something says so. */
function worded({ lacks }, at, value, format) {
  const lacking = lacks && (at === null ? lacks.total : lacks.values[at]);
  if (value == null) return lacking ? "unknown" : "–";
  return `${format(value)}${lacking ? "?" : ""}`;
}

/** What each colour is, with the values under the pointer, or over all. It never changes its height. */
function Legend({ series, rows, index, format }) {
  return html`<ul class="chart-legend">
    ${series.map((each, order) => {
      const value = index === null ? each.total : rows[order][index];
      const shown = value === undefined ? "" : worded(each, index, value, format);
      return html`<li key=${each.label}>
        <span class="chart-key" style=${{ background: `var(--${each.colour})` }} aria-hidden="true"></span>
        ${each.label} <b>${shown}</b>
        ${each.note && html`<span class=${index === null ? "" : "chart-past"}>${each.note}</span>`}
      </li>`;
    })}
  </ul>`;
}

function Values({ label, series, rows, names, format, first }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="chart-values" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>Values as a table</summary>
    ${isOpen &&
    html`<div class="scroll" tabindex="0" role="region" aria-label=${`${label}: values`}>
      <table>
        <caption class="unseen">${label}</caption>
        <thead>
          <tr>
            <th scope="col">${first}</th>
            ${series.map((each) => html`<th scope="col" class="end">${each.label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${names.map(
            (name, at) => html`<tr key=${name}>
              <th scope="row">${name}</th>
              ${rows.map((row, order) => html`<td class="end">${worded(series[order], at, row[at], format)}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}
  </details>`;
}

/**
 * A chart with its legend and its table.
 *
 * label: what it shows, for people who do not see it. kind: "bars" (stacked) or "lines".
 * x: numbers, ascending; step: the distance between two; xNames: "time" (seconds) or "number"; first: what x is called.
 * series: [{label, colour (the name of a CSS variable), values, total?, note?, dashed?, lacks?}]; a value that is
 * null is not drawn, and lacks, {values, total}, says where something is missing from one.
 * format: a value as text. marks: vertical lines, [{at, name}].
 */
export function Chart({
  label,
  kind = "bars",
  x,
  step,
  xNames = "time",
  first = "Time",
  series,
  format,
  marks = [],
  height = 190,
}) {
  const box = useRef(null);
  const plot = useRef(null);
  const theme = useTheme();
  const [index, setIndex] = useState(null);
  const rows = series.map((each) => each.values);
  const last = x.at(-1) ?? 0;
  const span = [x[0] ?? 0, kind === "bars" ? last + step : Math.max(last, (x[0] ?? 0) + step)];
  const data = useMemo(
    () => [x, ...(kind === "bars" ? stacked(rows).reverse() : rows)],
    [x, kind, ...rows],
  );
  const shape = JSON.stringify([series.map((each) => [each.label, each.colour]), marks, span, theme, step]);
  useEffect(() => {
    const isTime = xNames === "time";
    const zone = step >= DAY ? "UTC" : undefined;
    const xName = (_, splits, axis, space, distance) =>
      splits.map((value) => (isTime ? timeName(value, distance, zone) : String(value)));
    const options = plotOptions({ series, kind, format, marks, span, xName, height, onIndex: setIndex });
    options.scales.x.time = isTime;
    if (zone) options.tzDate = (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);
    const place = box.current; // the reference is empty before this effect is undone
    const made = new uPlot(options, data, place);
    const fit = () => made.setSize({ width: place.clientWidth, height });
    const watcher = new ResizeObserver(fit);
    watcher.observe(place);
    fit();
    plot.current = made;
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, kind, height, xNames]);
  useEffect(() => plot.current?.setData(data), [data]);
  const shown = index !== null && index < x.length ? index : null;
  const name = (value) => (xNames === "time" ? moment(value, step) : `${value}–${value + step}`);
  return html`<figure class="chart" aria-label=${label}>
    <${Legend} series=${series} rows=${rows} index=${shown} format=${format} />
    <div class="chart-plot" ref=${box} aria-hidden="true"></div>
    ${shown !== null && html`<p class="chart-moment">${name(x[shown])}</p>`}
    <${Values} label=${label} series=${series} rows=${rows} names=${x.map(name)} format=${format}
      first=${first} />
  </figure>`;
}

/** One bar of 100 %: [{label, colour, value}]. Its legend is the chart's below. */
export function Shares({ label, parts }) {
  const all = parts.reduce((sum, part) => sum + part.value, 0);
  const words = parts.map((part) => `${part.label} ${percent(all ? part.value / all : null)}`).join(", ");
  return html`<div class="shares" role="img" aria-label=${`${label}: ${words}`}>
    ${parts.map(
      (part) =>
        part.value > 0 &&
        html`<span key=${part.label} title=${part.label} style=${{ flexGrow: part.value, background: `var(--${part.colour})` }}></span>`,
    )}
  </div>`;
}
