"""What a prompt is about, and whether much is at stake."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.scoring.features import Structure
from pointsman.scoring.lexicon import Tally

#: The fields where a wrong answer hurts somebody.
STAKES = ("legal", "medical", "finance")
HIGH_STAKES = "high_stakes"

#: Where two are equally likely, the one that comes first.
_DOMAINS = (
    *STAKES,
    "mathematics",
    "coding",
    "science",
    "translation",
    "writing",
    "analysis",
    "factual",
    "conversation",
)
_WEIGHTS = {"domains": 1.0, "expert": 2.0, "decisive": 2.0, "hints": 1.0}
_CODE_BLOCK = 2.0
_FORMULA = 2.0

_DECISIVE = 2
_HINT = 1
_ENOUGH = 2
_WORDS_PER_CHANCE_HINT = 300  # in so many words one hint is expected by chance


def domain_scores(tally: Tally, structure: Structure) -> dict[str, float]:
    """How much each domain has for it; those with nothing are left out."""
    scores: dict[str, float] = {}
    for section, names in tally.items():
        weight = _WEIGHTS.get(section)
        if weight is not None:
            for name, count in names.items():
                scores[name] = scores.get(name, 0.0) + weight * count
    if structure.code_blocks:
        scores["coding"] = scores.get("coding", 0.0) + _CODE_BLOCK
    if structure.formulas:
        scores["mathematics"] = scores.get("mathematics", 0.0) + _FORMULA
    return scores


def domain_of(scores: Mapping[str, float], tally: Tally) -> str:
    """The domain with the most for it; `general` where there is none."""
    if not scores:
        return "general"
    if "translation" in scores and "material" in tally.get("simple", ()):
        return "translation"
    found = [name for name in _DOMAINS if name in scores]
    return max(found, key=scores.__getitem__, default="general")


def topics_of(tally: Tally, words: int, domain: str) -> tuple[str, ...]:
    """`high_stakes` where the text asks for legal, medical or financial judgement.

    One decisive cue of an area is enough ("dosage", "GDPR", "tax return"), or two hints
    ("contract" with "liability"). A question for a mere definition needs one more, so does
    software about such a matter, and so does every so many words of a long text.
    """
    decisive, hints = tally.get("decisive", {}), tally.get("hints", {})
    if not decisive and not hints:
        return ()
    needed = _ENOUGH + words // _WORDS_PER_CHANCE_HINT
    needed += ("definition" in tally.get("simple", ())) + (domain == "coding")
    for area in STAKES:
        if _DECISIVE * decisive.get(area, 0) + _HINT * hints.get(area, 0) >= needed:
            return (HIGH_STAKES,)
    return ()
