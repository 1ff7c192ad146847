// Live entries as the table wants them: bounded in memory, handed on at most four times a second.
import { get, watch } from "./api.js";

const KEPT = 2000;
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
    this.times = [];
    this.dropped = 0;
    this.state = "connecting";
    this.isPaused = false;
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
    const { data } = await get("/v1/decisions", { ...this.filters, limit: 100 });
    this.rows = merged(data, this.rows);
    this.isStale = true;
    this.flush();
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
      this.times.push(now);
    }
    if (this.arrived.length > KEPT) this.arrived.splice(0, this.arrived.length - KEPT);
  }

  flush() {
    if (this.isClosed) return;
    const horizon = Date.now() - MINUTE;
    const old = this.times.findIndex((at) => at >= horizon);
    if (old !== 0 && this.times.length) {
      this.times.splice(0, old === -1 ? this.times.length : old);
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
    this.onChange({ rows: this.rows, held: this.arrived.length, dropped: this.dropped, perMinute: this.times.length, state: this.state });
  }
}

/** Both, each request once as it was told last, the newest first. */
function merged(newer, rows) {
  const told = new Map(newer.map((entry) => [entry.request_id, entry]));
  const all = [...told.values(), ...rows.filter((row) => !told.has(row.request_id))];
  all.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  return all.slice(0, KEPT);
}
