// Live entries as the table wants them: bounded in memory, handed on at most four times a second.
import { get, watch } from "./api.js";

const KEPT = 2000;
const READ = 100;
const FLUSH_MS = 250;
const MINUTE = 60_000;

/**
 * Follows the entries that fit `filters`, the newest first. `onChange(snapshot)` gets
 * {rows, held, dropped, perMinute, state}: `held` have arrived since a pause began.
 */
export class Stream {
  constructor(filters, onChange) {
    this.filters = filters;
    this.onChange = onChange;
    this.rows = [];
    this.arrived = [];
    this.ended = new Map(); // when each request of the last minute ended, as far as that is known
    this.knownSince = 0;
    this.dropped = 0;
    this.state = "connecting";
    this.isPaused = false;
    this.hasRead = false;
    this.isStale = true;
  }

  /** Read what is there, then follow. */
  start() {
    this.stop = watch(this.filters, (entries, dropped) => this.take(entries, dropped), (state) => this.turn(state));
    this.timer = setInterval(() => this.flush(), FLUSH_MS);
    return this.catchUp();
  }

  close() {
    this.isClosed = true;
    clearInterval(this.timer);
    this.stop();
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.isStale = true;
    this.flush();
  }

  /** The newest entries of the books: at the start, and whenever the connection is there. */
  async catchUp() {
    const { data } = await get("/v1/decisions", { ...this.filters, limit: READ });
    for (const entry of data) if (!this.ended.has(entry.request_id)) this.ended.set(entry.request_id, endOf(entry));
    this.knownSince = data.length < READ ? 0 : Math.min(...data.map(endOf));
    if (this.isPaused && this.hasRead) this.hold(data);
    else this.rows = merged(data, this.rows);
    this.hasRead = true;
    this.isStale = true;
    this.flush();
  }

  /** While it is paused nothing moves, also where the connection is there again. */
  hold(data) {
    const known = new Set([...this.rows, ...this.arrived].map((entry) => entry.request_id));
    this.arrived.unshift(...data.filter((entry) => !known.has(entry.request_id)));
  }

  turn(state) {
    this.state = state;
    this.isStale = true;
    // What ended before it was open was not told; where it can't be read now, the next batch goes on.
    if (state === "open") this.catchUp().catch(() => {});
  }

  take(entries, dropped) {
    const now = Date.now();
    this.dropped += dropped;
    for (const entry of entries) {
      this.arrived.push(entry);
      this.ended.set(entry.request_id, now);
    }
    if (this.arrived.length > KEPT) this.arrived.splice(0, this.arrived.length - KEPT);
  }

  /** Requests that ended in the last minute; from what is known, where that is less than a minute. */
  rate(now) {
    const since = Math.max(now - MINUTE, this.knownSince);
    let count = 0;
    for (const [id, at] of this.ended) {
      if (at < now - MINUTE) this.ended.delete(id);
      else if (at >= since) count += 1;
    }
    return now > since ? Math.round((count * MINUTE) / (now - since)) : 0;
  }

  flush() {
    if (this.isClosed) return;
    const perMinute = this.rate(Date.now());
    if (perMinute !== this.perMinute) {
      this.perMinute = perMinute;
      this.isStale = true;
    }
    if (this.arrived.length) {
      this.isStale = true;
      if (!this.isPaused) {
        this.rows = merged(this.arrived, this.rows);
        this.arrived = [];
      }
    }
    if (!this.isStale) return;
    this.isStale = false;
    const held = new Set(this.arrived.map((entry) => entry.request_id)).size;
    this.onChange({ rows: this.rows, held, dropped: this.dropped, perMinute, state: this.state });
  }
}

/** When it ended; open ones have not, and it is now. */
function endOf(entry) {
  return entry.latency_ms == null ? Date.now() : Date.parse(entry.time) + entry.latency_ms;
}

/** Both, each request once as it was told last, the newest first. */
function merged(newer, rows) {
  const told = new Map(newer.map((entry) => [entry.request_id, entry]));
  const all = [...told.values(), ...rows.filter((row) => !told.has(row.request_id))];
  all.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  return all.slice(0, KEPT);
}
