"""What the chat says of an answer, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from pointsman.cli.chat.client import Decided, Record
from pointsman.cli.chat.talk import Totals

#: What a terminal obeys: all control characters but the line feed and the tab.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SECOND_MS = 1000
_LARGEST_PARTS = 8
#: Characters of a question that is only mentioned.
_SHORT = 60
#: The part of a context that may be filled without a warning.
_CROWDED = 0.8


def harmless(text: str) -> str:
    """`text` without what a terminal would obey."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))


def short(text: str) -> str:
    """`text` in one line that is cut where it is long."""
    line = harmless(" ".join(text.split()))
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 3]}..."


def money(amount: Decimal | None) -> str:
    """US dollars in at most four significant digits."""
    if amount is None:
        return "price unknown"
    if amount == 0:
        return "$0"
    digits = max(2, 3 - amount.adjusted())
    text = f"{abs(amount):.{digits}f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{'-' if amount < 0 else ''}${whole}.{cents.ljust(2, '0')}"


def took(milliseconds: float | None) -> str:
    """A duration."""
    if milliseconds is None:
        return "? s"
    if milliseconds < _SECOND_MS:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / _SECOND_MS:.1f} s"


def place_of(record: Record, location: str) -> str:
    """`cache`, `local` or `cloud`: where the answer came from."""
    return "cache" if record.cache in {"exact", "semantic"} else location


def status(record: Record | None, deployment: str, location: str, *, stopped: bool = False) -> str:
    """The line below an answer: who, where, why, how much, how long."""
    if record is None:
        return f"{deployment} | {location} | no figures: the books do not say yet"
    place = place_of(record, location)
    said = [record.deployment or deployment, record.tier, place]
    if place == "cache":
        said.append(f"{record.cache} hit")
    elif record.score is not None:
        said.append(f"score {record.score:.0f}")
    if record.usage is not None:
        said.append(f"{record.usage.input_tokens} + {record.usage.output_tokens} tokens")
    said.append(money(record.cost))
    if record.saved is not None and record.saved > 0:
        said.append(f"saved {money(record.saved)}")
    said.append(took(record.latency_ms))
    return " | ".join([*said, "stopped"] if stopped else said)


def what_to_do(request_id: str, record: Record | None, look: str) -> str:
    """What stands behind the words of a failure; `look` is what shows the record."""
    if record is None:
        return f" ({request_id})" if request_id else ""
    mend = ", `pointsman doctor` what is wrong" if record.outcome == "failed" else ""
    name = "" if request_id in look else f" ({request_id})"
    return f"; {look} says what was tried{mend}{name}"


def crowded(record: Record, context: int | None) -> str:
    """A warning where an answer and all before it leave little of the context; else nothing."""
    if context is None or record.usage is None:
        return ""
    filled = (record.usage.input_tokens + record.usage.output_tokens) / context
    if filled < _CROWDED:
        return ""
    return (
        f"the conversation fills {filled:.0%} of the {context:,} tokens that "
        f"{record.deployment} takes; /clear begins anew"
    )


def room(said: int, contexts: Mapping[str, int | None]) -> list[str]:
    """How much of each context so many tokens fill, and a warning where that leaves little."""
    rows = [(name, *_filled(said, context)) for name, context in contexts.items()]
    lines = [f"{'' if place else 'takes':9} {row}" for place, row in enumerate(columns(rows))]
    if any(context and said / context >= _CROWDED for context in contexts.values()):
        lines.append("little is left; /clear begins anew, /undo takes the last answer out")
    return lines


def _filled(said: int, context: int | None) -> tuple[str, str, str]:
    if context is None:
        return "unknown", "", ""
    return f"{context:,} tokens", f"{said / context:.0%} full", f"{max(0, context - said):,} left"


def figures(record: Record, place: str) -> tuple[str, ...]:
    """An answer's row among others: who, where, how long, how much, how fast."""
    return (
        record.deployment or "nobody",
        place,
        f"{record.usage.output_tokens if record.usage else '?'} tokens",
        money(record.cost),
        took(record.latency_ms),
    )


def score_by(score: float | None, scorer: str) -> str:
    """A score and who made it."""
    return "none" if score is None else f"{score:.1f} of 100, by {scorer}"


def why(decided: Decided) -> list[str]:
    """A decision's reasons: the score and its largest parts, the thresholds, the plan."""
    lines = [
        f"score     {score_by(decided.score, decided.scorer)}",
        f"tier      {decided.tier}",
        f"because   {decided.reasoning}",
    ]
    parts = sorted(decided.parts.items(), key=lambda part: -abs(part[1]))
    if parts:
        shown = ", ".join(f"{name} {value:+.1f}" for name, value in parts[:_LARGEST_PARTS])
        lines.append(f"parts     {shown}")
    if decided.bounds:
        bounds = ", ".join(f"{tier} from {low:g}" for tier, low in decided.bounds.items())
        lines.append(f"tiers     {bounds}")
    for place, planned in enumerate(decided.plan):
        lines.append(f"{'' if place else 'plan':9} {planned.deployment}: {planned.reason}")
    for place, ruled in enumerate(decided.dropped):
        lines.append(f"{'' if place else 'not':9} {ruled.deployment}: {ruled.reason}")
    return lines


def became(record: Record) -> list[str]:
    """What came of a decision."""
    lines = [f"answered  {record.deployment or 'nobody'} ({record.outcome}): {record.reason}"]
    if record.cost is not None and record.baseline_cost is not None:
        lines.append(
            f"cost      {money(record.cost)}, on the baseline {money(record.baseline_cost)}"
        )
    for place, tried in enumerate(record.attempts if record.outcome == "failed" else ()):
        said = " ".join(filter(None, (str(tried.status or ""), tried.error)))
        lines.append(f"{'' if place else 'tried':9} {tried.deployment}: {said or tried.outcome}")
    lines.append(f"time      {took(record.latency_ms)}, first word after {took(record.ttft_ms)}")
    return lines


def totals(spent: Totals) -> list[str]:
    """What a session took."""
    if not spent.answers:
        return ["no answers yet"]
    places = ", ".join(f"{count} {place}" for place, count in sorted(spent.by_place.items()))
    lines = [
        f"answers   {spent.answers}: {places}",
        f"cost      {money(spent.cost)}",
        f"saved     {money(spent.saved)} of {money(spent.baseline)} on the baseline",
    ]
    if spent.unpriced:
        lines.append(f"unknown   the price of {spent.unpriced}, which are not in these sums")
    return lines


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
