"""What an answer tells of itself: named parts, each from 0 (against it) to 1 (for it). Pure.

A part of 1/2 is neutral, and what has nothing to say is left out: of a prompt that asks for no
form, nothing is said of the form. What the user does next is in `behaviour`; what each part means,
and how much, is in docs/explanation/signals.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Literal

import msgspec

#: What each part is worth as long as no ratings have shown better, 0-1: by how much more an answer is
#: good (0-1) where the part is 1 than where it is 0, beside all other parts.
TRUST: Mapping[str, float] = {
    # Measured on 16 sets of graded answers: `python -m bench.signals`.
    "form": 0.5,
    "verdict": 0.42,
    "sure": 0.19,
    "keywords": 0.05,
    "length": 0.01,
    # Measured there: of broken answers 1 % were good, of refusals 8 %, of all 30 %. `verdict` sees
    # them, but holds them beside what is usual, so it alone would forgive who errs all the time.
    "broken": 0.5,
    "refusal": 0.3,
    # No data here has them: judgement.
    "judged": 0.7,
    "complained": 0.6,
    "repeated": 0.5,
    "overruled": 0.5,
    "thanked": 0.5,
    "regenerated": 0.4,
    "rephrased": 0.4,
    "cut_off": 0.3,
    "went_on": 0.1,
    "left": 0.1,
    "pace": 0.02,
}
#: The share of what makes answers good or bad that all that they tell of themselves explains: the
#: mean over those sets, from the same command.
EXPLAINED = 0.045

#: Log-odds by which the verifier's opinion of answers usually differs: where one answer is right, and
#: where many are good. A part reaches from 0 to 1, or it would say less than it knows.
_SPREAD: Mapping[str, float] = {"checked": 0.5, "open": 0.15}
#: How many times longer or shorter than usual an answer may be before that speaks against it, and
#: at how much more than that it speaks half against it.
_ROOM, _HALF_AGAINST = log(2.0), log(2.0)
#: Hedging words among 100, above the usual, at which an answer is half sure.
_HALF_SURE = 2.0
#: What an answer is worth that argues with the request, or asks back, where it should answer.
_OBJECTS = 0.25
#: As if it were not said.
_NEUTRAL = 0.5

_REFUSED = frozenset({"refusal", "withheld"})
_FORMLESS = frozenset({"invalid_json", "missing_member", "broken_code", "wrong_language"})
_BROKEN = frozenset({"empty", "loop", "garbled", "echo"})


class Measured(msgspec.Struct, frozen=True):
    """What was measured of an answer, in its own units."""

    #: Of the prompt: whether one answer is right, or many are good.
    kind: Literal["checked", "open"]
    #: What says something only beside what is usual, by name:
    #:
    #: * `odds`: the verifier's log-odds that it is good enough, by its words alone. Nothing that was
    #:   believed of the prompt is in it, or learning would only hear itself;
    #: * `excess`: the natural logarithm of its length over the length that such a prompt makes expect;
    #: * `hedges`: hedging words among 100;
    #: * `covered`: the share of the prompt's keywords that it takes up;
    #: * `pace`: the natural logarithm of the milliseconds that each token took.
    values: Mapping[str, float]
    #: Names of the verifier's rules that it breaks: `refusal`, `cut_off`, `invalid_json`, ...
    broken: tuple[str, ...] = ()
    #: It argues with the request or asks back, where it begins.
    objects: bool = False
    #: How far it has the form that the prompt asks for in words, 0-1; None where it asks for none.
    form: float | None = None


def parts(measured: Measured, apart: Mapping[str, float]) -> dict[str, float]:
    """The parts by name, 0-1; 1/2 is neutral. One that has nothing to say is left out.

    `apart` is by how much the values are above those that are usual for who answered
    (`feedback.usual`); of what is not in it, nothing is said.
    """
    broken = frozenset(measured.broken)
    found: dict[str, float | None] = {
        "form": 0.0 if broken & _FORMLESS else measured.form,
        "refusal": _refusal(broken, objects=measured.objects),
        "cut_off": 0.0 if "cut_off" in broken else None,
        "broken": 0.0 if broken & _BROKEN else None,
    }
    if "odds" in apart:
        found["verdict"] = _logistic(apart["odds"] / _SPREAD[measured.kind])
    if "excess" in apart:
        found["length"] = _against((abs(apart["excess"]) - _ROOM) / _HALF_AGAINST)
    if "hedges" in apart:
        found["sure"] = _against(apart["hedges"] / _HALF_SURE)
    if "covered" in apart:
        found["keywords"] = min(1.0, max(0.0, _NEUTRAL + apart["covered"]))
    if "pace" in apart:
        found["pace"] = _logistic(-apart["pace"])
    return {name: value for name, value in found.items() if value is not None}


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + exp(-odds))


def _refusal(broken: frozenset[str], *, objects: bool) -> float | None:
    if broken & _REFUSED:
        return 0.0
    return _OBJECTS if objects else None


def _against(much: float) -> float | None:
    """From neutral towards 0, halved by every 1; None where there is nothing to say against it."""
    return _NEUTRAL * 2.0**-much if much > 0.0 else None
