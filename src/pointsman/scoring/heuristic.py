"""The transparent scorer: five signals that can be read, checked and changed.

It is the fallback where nothing was learned yet; docs/reference/scoring-heuristic.md says what
it can and can't tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, fsum
from typing import NamedTuple

import msgspec

from pointsman.scoring.domains import STAKES, domain_of, domain_scores, topics_of
from pointsman.scoring.features import Features, Structure, extract, scored_text
from pointsman.scoring.lexicon import Lexicon, Reading, Tally
from pointsman.types import Score, Turn

TOP = 100.0
TOKEN_COUNT_MAX = 25.0
COMPLEX_MAX = 50.0
SIMPLE_MIN = -15.0
STRUCTURE_MAX = 25.0
REASONING_MAX = 20.0

#: Tokens after which the first signal has reached 63 % of its range.
_TOKENS_SCALE = 1_000.0

#: What the strongest order of a prompt is worth, and each further one.
_ORDERS = {"design": 50.0, "build": 30.0, "explain": 26.0, "weigh": 25.0, "make": 18.0}
_FURTHER_ORDER = 5.0
#: What the weightiest subject of a prompt is worth, each further one, and all together.
_SUBJECTS = {"expert": 20.0, "work": 15.0, "technical": 10.0}
_FURTHER_SUBJECT = 8.0
_SUBJECTS_MAX = 35.0
#: An explanation, however special its subject, asks for less than a design.
_EXPLANATION_MAX = 40.0
_BEYOND_EXPLAINING = ("design", "build", "weigh")
#: Where the language can't be read, the signal stands in the middle of its range.
_NEUTRAL = COMPLEX_MAX / 2

_SIMPLE = {"definition": -15.0, "material": -15.0, "small": -15.0, "light": -15.0, "brief": -8.0}
#: Orders that make no light matter of a small thing.
_STUDIED = ("build", "weigh", "explain")
#: From how many members JSON, and from how many items a list, counts as such.
_JSON_MEMBERS, _LIST_ITEMS = 2, 3
_REASONING = {"weigh": 10.0, "link": 6.0, "step": 3.0}


class Cues(NamedTuple):
    """What a text says of its matter, whatever its length."""

    #: 0-50: how much its orders and subjects ask of a model.
    complex_keywords: float
    #: -15-0: how much speaks for a small matter.
    simple_keywords: float
    #: 0-20: how much its words weigh, link and order thoughts.
    reasoning_cues: float
    #: As in `Score`, each.
    dimensions: dict[str, float]
    domain: str
    topics: tuple[str, ...]


class HeuristicScorer(msgspec.Struct, frozen=True):
    """Scores by length, cue words and structure; pure, no model, no I/O.

    It reads the last user turn, or the turn that a short "yes, go on" continues; system prompts,
    tool messages and replies never count. All of the text counts as length; cues and structure
    are looked for in the first and the last 250 tokens, so that a long paste costs little more
    than a short one.
    """

    lexicon: Lexicon

    def score(self, turns: Sequence[Turn]) -> Score:
        """Score the last user turn; `parts` add up to `value`, which lies in 0-100."""
        features = extract(scored_text(turns, self.lexicon), self.lexicon)
        cues = cues_of(features)
        parts = {
            "token_count": round(_token_count(features.tokens), 2),
            "complex_keywords": cues.complex_keywords,
            "simple_keywords": cues.simple_keywords,
            "structure": round(_structure(features.structure), 2),
            "reasoning_cues": cues.reasoning_cues,
        }
        total = round(fsum(parts.values()), 2)
        value = min(TOP, max(0.0, total))
        if value != total:
            parts["clip"] = round(value - total, 2)
        return Score(
            value=value,
            parts=parts,
            scorer="heuristic",
            version="1",
            dimensions=cues.dimensions,
            domain=cues.domain,
            topics=cues.topics,
        )


def cues_of(features: Features) -> Cues:
    """What the cues of a text say."""
    reading, tally = features.reading, features.reading.tally()
    complex_keywords = round(_complex_keywords(tally, reading), 2)
    reasoning_cues = round(_reasoning_cues(tally), 2)
    domains = domain_scores(tally, features.structure)
    domain = domain_of(domains, tally)
    return Cues(
        complex_keywords,
        round(_simple_keywords(tally), 2),
        reasoning_cues,
        _dimensions(complex_keywords, reasoning_cues, domains, _demands(tally, features.structure)),
        domain,
        topics_of(tally, len(reading.tokens), domain),
    )


def _token_count(tokens: int) -> float:
    """0-25: grows with length and levels off at a few thousand tokens."""
    return TOKEN_COUNT_MAX * (1.0 - exp(-tokens / _TOKENS_SCALE))


def _complex_keywords(tally: Tally, reading: Reading) -> float:
    """0-50: the strongest order and the weightiest subject, a little for each further one."""
    counts = dict(tally.get("complex", {}))
    if experts := tally.get("expert"):
        counts["expert"] = sum(experts.values())
    found = _strongest(counts, _ORDERS, _FURTHER_ORDER) + min(
        _SUBJECTS_MAX, _strongest(counts, _SUBJECTS, _FURTHER_SUBJECT)
    )
    only_explains = "explain" in counts and counts.keys().isdisjoint(_BEYOND_EXPLAINING)
    most = _EXPLANATION_MAX if only_explains else COMPLEX_MAX
    return min(most, max(found, _NEUTRAL * reading.unread))


def _strongest(counts: Mapping[str, int], worth: Mapping[str, float], further: float) -> float:
    found = counts.keys() & worth.keys()
    if not found:
        return 0.0
    return max(map(worth.__getitem__, found)) + further * (sum(map(counts.__getitem__, found)) - 1)


def _simple_keywords(tally: Tally) -> float:
    """-15-0: set pieces, small things to make, material to work on, definitions, brevity.

    A definition or material to work on does not make simple what also asks for a design or for
    something to be built; a small thing does not make an analysis or explanation of it simple.
    """
    simple, hard = tally.get("simple"), tally.get("complex", {})
    if not simple:
        return 0.0
    made = "design" in hard or "build" in hard
    studied = not hard.keys().isdisjoint(_STUDIED)
    outweighed = {"definition": made, "material": made, "light": studied}
    found = (
        worth for name, worth in _SIMPLE.items() if name in simple and not outweighed.get(name)
    )
    return max(SIMPLE_MIN, fsum(found))


def _structure(structure: Structure) -> float:
    """0-25: code, tables, JSON, formulas, lists and several questions."""
    return min(
        STRUCTURE_MAX,
        fsum(
            (
                8.0 * min(2, structure.code_blocks),
                8.0 * (structure.tables > 0),
                8.0 * (structure.json_members >= _JSON_MEMBERS),
                5.0 * (structure.formulas > 0),
                5.0 * (structure.items >= _LIST_ITEMS),
                4.0 * min(3, max(0, structure.questions - 1)),
            )
        ),
    )


def _reasoning_cues(tally: Tally) -> float:
    """0-20: words that weigh, link and order thoughts."""
    found = (_REASONING[name] * count for name, count in tally.get("reasoning", {}).items())
    return min(REASONING_MAX, fsum(found))


def _demands(tally: Tally, structure: Structure) -> int:
    """How much is asked of the exact form of the output."""
    cues = sum(tally.get("precision", {}).values())
    return cues + (structure.json_members >= _JSON_MEMBERS)


def _dimensions(
    complex_keywords: float, reasoning_cues: float, domains: Mapping[str, float], demands: int
) -> dict[str, float]:
    """How deep the reasoning, how special the field, how much hangs on the exact output."""
    depth = 0.6 * complex_keywords / COMPLEX_MAX + 0.4 * reasoning_cues / REASONING_MAX
    special = 1.0 - exp(-max(domains.values(), default=0.0) / 4.0)
    stakes = max([domains.get(area, 0.0) for area in STAKES])
    made = domains.get("coding", 0.0) + domains.get("mathematics", 0.0)
    sensitivity = 1.0 - exp(-(stakes / 2.0 + demands / 3.0 + made / 8.0))
    return {
        "reasoning_depth": round(depth, 3),
        "domain_specificity": round(special, 3),
        "output_sensitivity": round(sensitivity, 3),
    }
