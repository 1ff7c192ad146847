"""The figures of one run of `overhead.py` as a table, beside the budgets of the design."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from _processes import spread

RATES = (50, 150)  # requests a second
PERCENTILES = (50, 95, 99)
IMPORT_MS, REQUEST_MS, CHUNK_US, DECISION_US, IDLE_MB, START_S = 300, 1.0, 100, 1000, 150, 2.0
HEAD = "| | gateway | bare proxy | upstream alone | budget | |\n|---|---|---|---|---|---|\n"
LATE_MS = 5  # p99 of the client's own lateness from which it measures the machine's other work
TOO_BUSY = "\nThe machine was busy with other work: trust the CPU figures, not the latencies."

#: The row of `parts` that is compared with.
EVERYTHING = "(everything on)"

Samples = dict[str, list[float]]  # figure -> one value a round


@dataclass
class Cell:
    """One pair of formats."""

    client: str
    upstream: str
    samples: Samples


@dataclass
class Report:
    """What was measured."""

    upstream: Samples
    bare: Samples
    gateway: Samples
    #: How late the client itself sent, at each of PERCENTILES.
    late_ms: list[float]
    #: Resident memory of the gateway: idle, after the load.
    rss_mb: list[float]
    starts: Samples
    import_cpu_ms: Samples
    #: By the prompt's tokens.
    decision_cpu_us: dict[int, list[float]]
    durable_write_ms: float
    #: CPU of a request with everything on, and without each part.
    parts: Samples
    #: Functions and their own CPU us in a request, the dearest first.
    where: dict[str, float]
    matrix: list[Cell]

    def table(self) -> str:
        """Return the tables, as Markdown, with the facts that belong to them."""
        reads = min(min(one["many: reads per event"]) for one in (self.bare, self.gateway))
        return f"""{HEAD}{"".join([*self._cpu(), *self._latencies(), *self._alone()])}
Median (least-most) of the rounds. CPU in ms, where it does not say us. Latency in ms: the
upstream's own, and what is added to it. The client sent {self.late_ms[0]:.2f} ms late (p50), \
{self.late_ms[-1]:.2f} ms (p99), for all alike.
One 4 KiB write made durable: {self.durable_write_ms:.2f} ms. Reads per event: {reads:.2f}, at least.\
{TOO_BUSY if self.late_ms[-1] > LATE_MS else ""}

{"".join(self._parts())}
{"".join(self._where())}
{self._pairs("cpu_ms per request", "CPU per request, back to back, ms", 2)}
{self._pairs("cpu_us per chunk", "CPU per chunk, us", 0)}
{self._pairs("cpu_ms per stream", "CPU per stream, its chunks apart, ms", 2)}"""

    def _pairs(self, name: str, what: str, digits: int) -> str:
        """A table of the matrix: a row per client's format, a column per upstream's.

        What passes through is in bold.
        """
        upstreams = list(dict.fromkeys(cell.upstream for cell in self.matrix))
        found = {
            (cell.client, cell.upstream): spread(cell.samples[name], digits) for cell in self.matrix
        }
        rows = [[f"{what}: client", *(f"over {upstream}" for upstream in upstreams)]]
        rows += [["---"] * len(rows[0])]
        for client in dict.fromkeys(cell.client for cell in self.matrix):
            cells = [found.get((client, upstream), "") for upstream in upstreams]
            bold = [
                f"**{cell}**" if u == client else cell
                for u, cell in zip(upstreams, cells, strict=True)
            ]
            rows.append([client, *bold])
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def _cpu(self) -> Iterator[str]:
        loads = {f"whole@{rate}": f"{rate}/s" for rate in RATES} | {"busy": "back to back"}
        for name, what in loads.items():
            yield self._row(f"CPU per request, {what}", f"{name}: cpu_ms", 3, REQUEST_MS)
            other = f"{name}: cpu_ms of other threads"
            yield self._row("... beside the event loop (the ledger's thread)", other, 3)
        yield self._row("CPU per stream, its chunks apart", "cpu_ms per stream", 3)
        yield self._row("CPU per chunk, us", "cpu_us per chunk", 1, CHUNK_US)
        yield self._row("CPU a second when idle", "idle", 3)

    def _latencies(self) -> Iterator[str]:
        kinds = {f"whole@{rate}: total": f"request, {rate}/s" for rate in RATES}
        kinds |= {"many: first": "first event of a stream", "many: transit": "event of a stream"}
        for name, what in kinds.items():
            for share in PERCENTILES:
                yield self._added(f"latency, {what}, p{share}", f"{name} p{share}")

    def _parts(self) -> Iterator[str]:
        """What each part adds: the difference between all of them and all but that one."""
        whole = self.parts[EVERYTHING]
        yield "| part | CPU per request without it, back to back, ms | it adds, us |\n|---|---|---|\n"
        for name, values in self.parts.items():
            added = [(full - rest) * 1e3 for full, rest in zip(whole, values, strict=True)]
            cell = "" if name == EVERYTHING else spread(added, 0)
            yield f"| {name} | {spread(values, 3)} | {cell} |\n"

    def _where(self) -> Iterator[str]:
        """Where a request's CPU goes, as far as the profiler sees the event loop's thread."""
        yield "| function | its own CPU per request, us |\n|---|---|\n"
        for name, took in self.where.items():
            yield f"| `{name}` | {took:.0f} |\n"

    def _alone(self) -> Iterator[str]:
        yield _line("resident memory idle, MB", [self.rss_mb[:1]], 0, IDLE_MB)
        yield _line("resident memory after, MB", [self.rss_mb[1:]], 0)
        yield _line("start to first answer, s", [self.starts["start_s"]], 2, START_S)
        yield _line("... its CPU, s", [self.starts["start_cpu_s"]], 2)
        for statement, took in self.import_cpu_ms.items():
            yield _line(f"`{statement}`, CPU ms", [took], 0, IMPORT_MS)
        for tokens, took in self.decision_cpu_us.items():
            middle, worst = [percentile(took, 50)], [percentile(took, 99)]
            yield _line(f"decision, {tokens} tokens, p50, CPU us", [middle], 0)
            yield _line(f"decision, {tokens} tokens, p99, CPU us", [worst], 0, DECISION_US)

    def _row(self, what: str, name: str, digits: int, budget: float | None = None) -> str:
        found = [one.get(name, []) for one in (self.gateway, self.bare, self.upstream)]
        return _line(what, found, digits, budget)

    def _added(self, what: str, name: str) -> str:
        direct = self.upstream[name]
        added = [
            [there - here for there, here in zip(one[name], direct, strict=True)]
            for one in (self.gateway, self.bare)
        ]
        return _line(what, [*added, direct], 2)


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that `share` percent do not exceed (nearest rank)."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def _line(
    what: str, found: Sequence[Sequence[float]], digits: int, budget: float | None = None
) -> str:
    """One line: the gateway's values, the bare proxy's, the upstream's; the last two if any."""
    cells = [_cell(values, digits) for values in (*found, [], [])[:3]]
    judged = "| | |"
    if budget is not None:
        verdict = "within" if statistics.median(found[0]) <= budget else "over"
        judged = f"| {budget:g} | {verdict} |"
    return f"| {what} | {' | '.join(cells)} {judged}\n"


def _cell(values: Sequence[float], digits: int) -> str:
    if len(values) > 1:
        return spread(values, digits)
    return f"{values[0]:.{digits}f}" if values else ""
