// Figures as people read them. Amounts arrive as exact decimals; only what is shown is rounded.

const MISSING = "–";

const missing = (value) => value === null || value === undefined || Number.isNaN(Number(value));

/** US dollars: cents where there are any, else two digits that count; an unknown price is none. */
export function money(value) {
  if (missing(value)) return MISSING;
  const amount = Number(value);
  const size = Math.abs(amount);
  const sign = amount < 0 ? "−" : "";
  if (size === 0) return "$0";
  if (size >= 1000) return `${sign}$${Math.round(size).toLocaleString("en-US")}`;
  if (size >= 1) return `${sign}$${size.toFixed(2)}`;
  if (size < 1e-6) return `${sign}<$0.000001`;
  return `${sign}$${size.toFixed(Math.max(2, 1 - Math.floor(Math.log10(size))))}`;
}

/** A sum of costs, `?` behind it where prices are unknown that belong in it; or nothing of it is known. */
export function sum(value, unpriced) {
  return missing(value) ? "unknown" : `${money(value)}${unpriced ? "?" : ""}`;
}

/** Milliseconds: 0.8 ms, 42 ms, 1.24 s, 2 min. */
export function ms(value) {
  if (missing(value)) return MISSING;
  const time = Number(value);
  if (time < 10) return `${time.toFixed(1)} ms`;
  if (time < 1000) return `${Math.round(time)} ms`;
  if (time < 120000) return `${(time / 1000).toFixed(time < 10000 ? 2 : 1)} s`;
  return `${Math.round(time / 60000)} min`;
}

/** Whole numbers, the large ones shortened: 812, 4.2k, 1.3M. */
export function count(value) {
  if (missing(value)) return MISSING;
  const number = Number(value);
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (number >= size) return `${(number / (unit === "k" ? 1e3 : size)).toFixed(number >= size * 10 ? 0 : 1)}${unit}`;
  }
  return number.toLocaleString("en-US");
}

/** A share of one, in per cent. */
export function percent(share, places = 0) {
  return missing(share) ? MISSING : `${(100 * Number(share)).toFixed(places)} %`;
}

/** A time of day; of another day its date, to the minute. */
export function time(iso) {
  if (!iso) return MISSING;
  const at = new Date(iso);
  if (at.toDateString() === new Date().toDateString()) return at.toLocaleTimeString("en-GB");
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

/** How long ago, in words. */
export function ago(iso) {
  if (!iso) return "never";
  const seconds = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}
