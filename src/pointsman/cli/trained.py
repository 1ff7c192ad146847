"""New weights from the books; apart from `train`, for numpy takes longer than other commands run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from pointsman.assembly import rules
from pointsman.assembly.offline import reading
from pointsman.config import Settings
from pointsman.errors import PointsmanError
from pointsman.feedback import fitting, quality
from pointsman.feedback.fitting import LEAST, Outcomes, Proof, Weights
from pointsman.scoring.learned import PARTS
from pointsman.types import Evidence, Json

#: Outcomes that are read, the newest.
_MOST = 100_000
#: The latest outcomes, one of so many, that the weights are proven on.
_HELD_OUT = 5


class Trained(msgspec.Struct, frozen=True):
    """New weights, and what is known of them."""

    version: str
    #: The file.
    text: str
    #: They are better.
    proven: bool
    #: For people: one line.
    verdict: str
    facts: dict[str, Json]


async def trained(settings: Settings, organisation: str | None) -> Trained:
    """New weights from the outcomes of one organisation, or of all.

    Raises PointsmanError where there are too few, ConfigError, LedgerUnavailable.
    """
    async with reading(settings) as books:
        observed = await books.observed(organisation=organisation, limit=_MOST)
    evidence = quality.evidence(observed, quality.calibrate(observed))
    return _trained(settings, evidence, organisation)


def _trained(settings: Settings, evidence: Sequence[Evidence], organisation: str | None) -> Trained:
    old = Weights.parse(rules.weights(settings))
    # What went before was scored by the weights before these.
    fresh = [each for each in evidence if _moment(each.time) > str(old.fitted.get("until", ""))]
    outcomes = Outcomes.of(fresh, settings.routing.tiers, old)
    known = float(outcomes.trust.sum())
    if known < LEAST:
        raise PointsmanError(
            f"there is too little to learn from: {known:.0f} outcomes of at least {LEAST:.0f},"
            " each counted by how far it can be trusted (a rating is 1), and only those whose tier"
            " was chosen by the score"
        )
    earlier, later = outcomes.cut(_HELD_OUT)
    new = fitting.fit(earlier, old)
    proof = fitting.prove(later, new, old)
    facts: dict[str, Json] = {
        "organisation": organisation,
        "scorer": f"learned/{old.version}",
        "outcomes": len(outcomes),
        "since": _moment(fresh[0].time),
        "until": _moment(fresh[-1].time),
        "proof": proof.as_json(),
    }
    unnamed = fitting.written(old, new, earlier, PARTS, fitted=facts)
    digest = sha256(unnamed.to_json().encode()).hexdigest()[:8]
    named = f"{old.version.partition('-')[0]}-{digest}"
    weights = fitting.written(old, new, earlier, PARTS, version=named, fitted=facts)
    return Trained(named, weights.to_json(), proof.holds, _verdict(proof), facts)


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _verdict(proof: Proof) -> str:
    said = "better" if proof.holds else "not proven to be better"
    worth = proof.quality
    return (
        f"{said} on the {proof.outcomes} latest outcomes: quality at the same cost"
        f" {worth.value:+.3f} ({worth.low:+.3f} to {worth.high:+.3f})"
    )
