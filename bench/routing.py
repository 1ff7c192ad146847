"""What a decision costs: score and plan for a request that was read, in one run.

``python -m bench.routing [--json FILE] [--rounds N] [--data DIR]`` prints the tables and writes one
JSON.

A decision is what the gateway makes of each request, `Decider.decide` over three deployments, with
the scorer that the settings name, the search for secrets included. Beside it stands the least that
a router could do: a score from the prompt's length, and the same plan; and what the gateway does as
shipped, with all of learning: the prompt measured, a belief learned from outcomes asked, another
tier drawn now and then. CPU of this thread, no prompt twice, rounds interleaved over the scorers.
Those prompts are made of a few sentences, whose words are soon known; beside them stand prompts
that people and examiners wrote, of all labelled sources, where the labelled data is. Then texts that are meant to make a scorer slow, from a thousand characters to a
million, with the exponent by which the time grows (1 is linear). Then what each part adds to the
start and to the memory of a fresh process. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import log10
from pathlib import Path

from bench.overhead_load import prompt
from tests.scoring.robustness.nasty import NASTY
from train.data import data_folder
from train.data import load as labelled

from pointsman.app import App
from pointsman.assembly import rules
from pointsman.config import load
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.ids import new_request_id
from pointsman.routing.decide import decide
from pointsman.stages.informing import Minds
from pointsman.stages.teaching import teacher
from pointsman.types import (
    Call,
    Candidate,
    Decision,
    Evidence,
    Principal,
    Score,
    Target,
    Turn,
    Version,
)

SCORERS = ("heuristic", "learned")
LENGTH = "length"
LEARNING = "learning"
OUTCOMES = 1_000  # that the belief was learned from
TOKENS = (20, 100, 400, 1_000, 4_000, 16_000)
BUDGET_US, BUDGET_TOKENS = 1_000, 1_000  # the design's: p99, for prompts up to so many tokens
REAL = ((0, 100), (100, 400), (400, 1_000), (0, 1_000))  # tokens of prompts that were written
BEFORE = 2_000  # of those, that the gateway has served already
CHARACTERS = (1_000, 10_000, 100_000, 1_000_000)
SLOWEST = 16  # rows of the second table
WARM = 20  # decisions of each kind that are not counted
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = """
[routing]
scorer = "{scorer}"
[learning]
enabled = {learns}
""" + "".join(
    f"""
[models.{tier}-one]
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
model = "{tier}"
tier = "{tier}"
location = "cloud"
"""
    for tier in ("simple", "medium", "complex")
)
START = """
import gc, time
from pathlib import Path
def now():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return time.process_time() * 1e3, pages * 4 / 1024
stands = [now()]
from pointsman.assembly import rules
stands.append(now())
for part in (rules.lexicon, rules.learned, rules.verifier):
    part()
    stands.append(now())
for before, after in zip(stands, stands[1:]):
    print(after[0] - before[0], after[1] - before[1])
"""
PARTS = ("imports", "cue lists", "learned scorer", "verifier")

Decide = Callable[[Call], Decision]


@dataclass
class Report:
    """What was measured."""

    #: CPU microseconds of each decision, by scorer and the prompt's tokens.
    decisions_us: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    #: The same for prompts that were written: tokens and microseconds of each; empty without data.
    written_us: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    #: Least CPU milliseconds of a decision, by scorer, kind of text and its characters.
    nasty_ms: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)
    #: What each part adds to a fresh process: CPU ms and resident MB, in each round.
    starts: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    #: The scorer that answered, by the name asked for.
    answered: dict[str, str] = field(default_factory=dict)


def read(text: str) -> Call:
    """Return the call that a client would make with a prompt."""
    request = parse_chat(chat_body("auto", text, {}))
    return Call(new_request_id(), datetime.now(UTC), Principal(), request)


def by_length(app: App) -> Decide:
    """Return the least that a router could do: a score from the length, and the plan."""
    candidates = [Candidate(deployment) for deployment in app.decider.deployments.values()]
    target, policy = Target("auto", "auto"), app.decider.policy

    def decided(call: Call) -> Decision:
        value = min(100.0, len(call.request.turns[-1].text) / 80)
        score = Score(value, {"length": value}, LENGTH, "1")
        return decide(call.request, target, score, candidates, policy)

    return decided


def deciders(folder: Path) -> dict[str, Decide]:
    """Return every way to decide, by name."""
    found: dict[str, Decide] = {}
    for scorer in SCORERS:
        app = App(load(configured(folder, scorer)), environment={})
        found.setdefault(LENGTH, by_length(app))
        found[scorer] = app.decider.decide
    found[LEARNING] = learning(
        App(load(configured(folder, "learned", learns=True)), environment={})
    )
    return found


def learning(app: App) -> Decide:
    """Return what the gateway does of each request once it has learned."""
    tiers = app.decider.policy.tiers
    reads = teacher(app.decider.policy, tiers)
    chance, outcomes = random.Random(3), []  # noqa: S311 - the same outcomes in each run
    for at in range(OUTCOMES):
        text = prompt(100, chance)
        scored = rules.learned().score([Turn("user", text)])
        packed = reads.pack(reads.measure(scored, text))
        quality = float(chance.random() > 0.3)
        tier = chance.choice(tiers)
        outcomes.append(Evidence(str(at), BEGAN, tier, packed, scored.value, quality, 1.0))
    version = Version("v_bench", "", BEGAN, "bandit", reads.learned(outcomes), OUTCOMES, "")
    app.learning.informing.start(reads, reads.shipped)
    app.learning.informing.minds = Minds({"": reads.read(version)})

    def decided(call: Call) -> Decision:
        decision = app.decider.decide(call, live=True)
        app.decider.carry_out(call, decision)
        return decision

    return decided


def configured(folder: Path, scorer: str, *, learns: bool = False) -> Path:
    """Return the path of settings with that scorer, written on first use."""
    file = folder / f"{scorer}-{learns}.toml"
    file.write_text(SETTINGS.format(scorer=scorer, learns=str(learns).lower()))
    return file


def took_us(decided: Decide, call: Call) -> float:
    """Return the CPU of one decision, in microseconds."""
    began = time.thread_time_ns()
    decided(call)
    return (time.thread_time_ns() - began) / 1e3


def decisions(ways: Mapping[str, Decide], rounds: int) -> dict[str, dict[int, list[float]]]:
    """Decide about prompts of each length, the ways in turn."""
    chance = random.Random(5)  # noqa: S311 - the same prompts in each run
    found: dict[str, dict[int, list[float]]] = {way: {} for way in ways}
    for tokens in TOKENS:
        for turn in range(WARM + rounds):
            call = read(prompt(tokens, chance))
            for way, decided in ways.items():
                took = took_us(decided, call)
                if turn >= WARM:
                    found[way].setdefault(tokens, []).append(took)
    return found


def written(
    ways: Mapping[str, Decide], rounds: int, data: Path
) -> dict[str, list[tuple[int, float]]]:
    """Decide about prompts that were written, of up to 1,000 tokens, the ways in turn."""
    if not (data / "routing").exists():
        return {}
    texts = list({row.prompt: None for source in labelled(data) for row in source.rows})
    random.Random(13).shuffle(texts)  # noqa: S311 - the same prompts in each run
    calls = [read(text) for text in texts[: BEFORE + 8 * rounds]]
    found: dict[str, list[tuple[int, float]]] = {way: [] for way in ways}
    for at, call in enumerate(calls):
        tokens = call.request.input_tokens
        for way, decided in ways.items():
            took = took_us(decided, call)
            if at >= BEFORE and tokens <= BUDGET_TOKENS:
                found[way].append((tokens, took))
    return found


def slowness(decided: Decide) -> dict[str, dict[int, float]]:
    """Decide about texts that are meant to be slow; the least of three, in milliseconds."""
    found: dict[str, dict[int, float]] = {}
    for kind, make in NASTY.items():
        for characters in CHARACTERS:
            call = read(make(characters))
            took = min(took_us(decided, call) for _ in range(3)) / 1e3
            found.setdefault(kind, {})[characters] = took
    return found


def exponent(took: Mapping[int, float]) -> float:
    """Return the power of the length by which the time grew over the last two decades."""
    few, many = CHARACTERS[1], CHARACTERS[-1]
    return log10(took[many] / took[few]) / log10(many / few)


def starts(rounds: int = 3) -> dict[str, list[tuple[float, float]]]:
    """Return what each part adds to a fresh process: CPU ms and resident MB."""
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        lines = subprocess.check_output([sys.executable, "-c", START], text=True).splitlines()
        for part, line in zip(PARTS, lines, strict=True):
            took, added = map(float, line.split())
            found.setdefault(part, []).append((took, added))
    return found


def percentile(values: list[float], share: int) -> float:
    """Return the value that so many percent do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def tables(report: Report) -> str:
    """Return the tables, as Markdown."""
    parts = (_decisions, _written, _nasty, _starts)
    return "\n".join([part(report) for part in parts])


def _decisions(report: Report) -> str:
    rows = [
        "| tokens | scorer | p50, us | p99, us | times length alone | budget |",
        "|---" * 6 + "|",
    ]
    for tokens in TOKENS:
        plain = statistics.median(report.decisions_us[LENGTH][tokens])
        for way, found in report.decisions_us.items():
            middle, worst = statistics.median(found[tokens]), percentile(found[tokens], 99)
            budget = f"{BUDGET_US}" if tokens <= BUDGET_TOKENS and way != LENGTH else ""
            rows.append(
                f"| {tokens} | {_name(report, way)} | {middle:.0f} | {worst:.0f} | {middle / plain:.1f} | {budget} |"
            )
    return "\n".join([*rows, ""])


def _written(report: Report) -> str:
    if not report.written_us:
        return "The labelled data is not there, so no prompts that were written.\n"
    rows = [
        "| prompts as written, tokens | scorer | of them | p50, us | p99, us |",
        "|---" * 5 + "|",
    ]
    for low, high in REAL:
        for way, found in report.written_us.items():
            took = [each for tokens, each in found if low < tokens <= high]
            middle, worst = statistics.median(took), percentile(took, 99)
            name = f"{_name(report, way)} | {len(took)}"
            rows.append(f"| {low + 1} to {high} | {name} | {middle:.0f} | {worst:.0f} |")
    return "\n".join([*rows, ""])


def _name(report: Report, way: str) -> str:
    return "learned, learning" if way == LEARNING else report.answered.get(way, way)


def _nasty(report: Report) -> str:
    """Return the slowest texts, the slowest first; the JSON has all."""
    head = " | ".join(f"{characters:,}" for characters in CHARACTERS)
    rows = [f"| text | scorer | {head} characters, ms | growth |", "|---" * 7 + "|"]
    every = [
        (took, way, kind) for way, kinds in report.nasty_ms.items() for kind, took in kinds.items()
    ]
    every.sort(key=lambda each: -each[0][CHARACTERS[-1]])
    for took, way, kind in every[:SLOWEST]:
        cells = " | ".join(f"{took[characters]:.2f}" for characters in CHARACTERS)
        rows.append(f"| {kind} | {way} | {cells} | {exponent(took):.2f} |")
    steepest = max(exponent(took) for took, _, _ in every)
    return "\n".join([*rows, f"\nThe steepest of {len(every)} grows by {steepest:.2f}.\n"])


def _starts(report: Report) -> str:
    rows = ["| at start | CPU ms | adds, MB |", "|---" * 3 + "|"]
    for part, rounds in report.starts.items():
        took, added = (statistics.median(values) for values in zip(*rounds, strict=True))
        rows.append(f"| {part} | {took:.0f} | {added:.1f} |")
    return "\n".join([*rows, ""])


def measure(rounds: int, data: Path) -> Report:
    """Measure everything."""
    gc.disable()  # a pause would be some decision's
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = deciders(folder)
        answered = {way: decided(read("Hello")).scorer for way, decided in ways.items()}
        return Report(
            decisions_us=decisions(ways, rounds),
            written_us=written(ways, rounds, data),
            nasty_ms={way: slowness(ways[way]) for way in SCORERS},
            starts=starts(),
            answered=answered,
        )


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", default="routing.json", help="where the figures go")
    parser.add_argument("--rounds", type=int, default=300, help="prompts of each length")
    parser.add_argument("--data", help="where the labelled data is, if not in ../shared/data")
    options = parser.parse_args()
    report = measure(options.rounds, Path(options.data) if options.data else data_folder())
    figures = {"python": platform.python_version(), **asdict(report)}
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    print(tables(report))


if __name__ == "__main__":
    main()
