"""Whether a draft answer is good enough to be given out: rules, and a learned probability. Pure.

The prompt's score is the prior; what the answer shows moves it. Where one answer is right, that
was learned from graded answers; where many are good, from which of two answers people prefer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import exp, log
from statistics import fmean
from typing import TypeAlias

import msgspec

from pointsman.calling.answer_features import Text, features
from pointsman.calling.answer_prompt import Kind, kind_of, length_cues, options
from pointsman.calling.answer_rules import RULES, broken_rules
from pointsman.calling.draft import Draft
from pointsman.errors import ConfigError
from pointsman.types import Json, Score, Verdict

#: How many standard deviations a feature counts at most.
_FAR = 3.0
#: Scores are read as if no prompt were sure to fail or to succeed.
_SUREST = 0.98
#: Log-odds below which a piece of evidence is named as a reason, and how many are named.
_SPEAKS_AGAINST, _REASONS = -0.3, 3
#: A probability below this marks a token as unlikely.
_UNLIKELY = log(0.2)

#: What a feature that speaks against a draft is called, where its value is high and where low.
REASONS: Mapping[str, tuple[str, str]] = {
    "prompt": ("hard_prompt", "hard_prompt"),
    "log_length": ("long", "short"),
    "brevity": ("short", "long"),
    "objections": ("objections", "direct"),
    "hedges": ("hedges", "no_hedges"),
    "second_thoughts": ("second_thoughts", "no_second_thoughts"),
    "repeated_phrases": ("repeats_itself", "never_repeats"),
    "variety": ("many_words", "repeats_itself"),
    "copied": ("copies_prompt", "ignores_prompt"),
    "concludes": ("conclusion", "no_conclusion"),
    "conclusions": ("many_conclusions", "no_conclusion"),
    "undecided": ("no_choice", "choice"),
    "derived": ("conclusion_derived", "conclusion_not_derived"),
    "elsewhere": ("conclusion_not_derived", "conclusion_derived"),
    "log_said": ("long_conclusion", "no_conclusion"),
    "cut": ("unfinished", "finished"),
    "open_fence": ("unfinished", "finished"),
    "wrong_sums": ("wrong_sums", "no_wrong_sums"),
    "sums_off": ("wrong_sums", "no_wrong_sums"),
    "agreement": ("samples_agree", "samples_disagree"),
    "token_confidence": ("sure_tokens", "unsure_tokens"),
    "unlikely_tokens": ("unsure_tokens", "sure_tokens"),
    "likelihood": ("likely_text", "unlikely_text"),
}
#: Mean and spread of a feature, and the log-odds that one spread is worth.
Weight: TypeAlias = tuple[float, float, float]


class Weighing(msgspec.Struct, frozen=True):
    """How the evidence of one kind of prompt adds up to log-odds."""

    intercept: float
    #: What a unit of the prompt's log-odds is worth.
    prompt: float
    weights: Mapping[str, Weight]


class Look(msgspec.Struct, frozen=True):
    """All that is seen of a draft."""

    #: Of the prompt.
    kind: Kind
    #: That it is good enough, 0-1.
    probability: float
    #: What speaks against it most, by name.
    reasons: tuple[str, ...]
    #: The names of the rules that it breaks, the worst first.
    broken: tuple[str, ...]
    #: What was counted in it, by name (`answer_features`), and its `brevity` where it is complete:
    #: the logarithm of the length that its prompt makes expect over its own.
    found: Mapping[str, float]
    #: In characters.
    length: int


class Verifier(msgspec.Struct, frozen=True):
    """Judges drafts by learned weights. Bounded work, linear in what is read of an answer."""

    version: str
    #: From which probability drafts are accepted, where nothing else is configured.
    bound: float
    kinds: Mapping[Kind, Weighing]
    #: The expected logarithm of an answer's length, from `length_cues`.
    expected: Weighing

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a weights file (`pointsman.data.read_verifier`). Raises ConfigError."""
        try:
            document = json.loads(text)
            return cls(
                version=str(document["version"]),
                bound=_share(document["bound"]),
                kinds={
                    "checked": _weighing(document["checked"]),
                    "open": _weighing(document["open"]),
                },
                expected=_weighing(document["expected"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"the verifier's weights can't be read: {error!r}") from error

    def verdict(self, draft: Draft, score: Score, bound: float) -> Verdict:
        """Judge a draft; it is accepted from probability `bound` on. Never raises.

        `score` is the prompt's. Of a draft that isn't complete, only what has been said counts.
        """
        look = self.look(draft, score)
        return Verdict(look.probability >= bound, look.probability, bound, look.reasons)

    def score(self, draft: Draft, score: Score) -> float:
        """0-100, higher where the request should rather escalate: 100 * (1 - probability)."""
        return 100.0 * (1.0 - self.look(draft, score).probability)

    def look(self, draft: Draft, score: Score | None = None) -> Look:
        """Everything, of which a verdict is made. Never raises.

        Without a score, of a prompt that nothing is known of.
        """
        prior = 0.0 if score is None else log_odds(1.0 - score.value / 100.0)
        asked_for, said = Text.of(draft.prompt), Text.of(draft.text)
        choices = options(asked_for.read)
        kind = kind_of(draft.prompt, choices)
        weighing = self.kinds[kind]
        found: dict[str, float] = {}
        if said.whole:
            found = features(asked_for, said, choices, complete=draft.complete)
            if draft.complete:
                found["brevity"] = self._expected_length(draft.prompt) - found["log_length"]
            else:
                del found["log_length"]
        parts = _parts(weighing.weights, found | _evidence(draft))
        parts["prompt"] = weighing.prompt * prior
        odds = weighing.intercept + sum(parts.values())
        probability = 1.0 / (1.0 + exp(-odds))
        rules = broken_rules(draft, said, found)
        named = _reasons(weighing.weights, parts)
        worst = min((RULES[rule] for rule in rules), default=1.0)
        reasons = tuple(dict.fromkeys((*rules, *named)))[:_REASONS]
        # A rule leaves the order of the drafts that break it as it was.
        return Look(kind, probability * worst, reasons, rules, found, said.whole)

    def _expected_length(self, prompt: str) -> float:
        cues = length_cues(prompt)
        return self.expected.intercept + sum(_parts(self.expected.weights, cues).values())


def _parts(weights: Mapping[str, Weight], found: Mapping[str, float]) -> dict[str, float]:
    """What each feature that was found adds to the log-odds."""
    return {
        name: weight * max(-_FAR, min(_FAR, (found[name] - mean) / spread))
        for name, (mean, spread, weight) in weights.items()
        if name in found
    }


def _reasons(weights: Mapping[str, Weight], parts: Mapping[str, float]) -> list[str]:
    """The names of what speaks against a draft, the weightiest first."""
    against = sorted((part, name) for name, part in parts.items() if part < _SPEAKS_AGAINST)
    # A part is below 0 where a feature of negative weight is high, or one of positive weight low.
    return [REASONS[name][name in weights and weights[name][2] > 0.0] for _, name in against]


def _evidence(draft: Draft) -> dict[str, float]:
    """What is known of a draft beside its text."""
    found: dict[str, float] = {}
    if draft.logprobs:
        found["token_confidence"] = fmean(max(-10.0, value) for value in draft.logprobs)
        unlikely = sum(value < _UNLIKELY for value in draft.logprobs)
        found["unlikely_tokens"] = unlikely / len(draft.logprobs)
    if draft.agreement is not None:
        found["agreement"] = draft.agreement
    if draft.likelihood is not None:
        found["likelihood"] = draft.likelihood
    return found


def log_odds(share: float) -> float:
    """The log-odds of a probability, 0-1; kept off the ends, where they have no bounds."""
    bounded = max(1.0 - _SUREST, min(_SUREST, share))
    return log(bounded / (1.0 - bounded))


def _share(value: Json) -> float:
    if not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise ValueError(f"not between 0 and 1: {value!r}")
    return float(value)


def _weighing(document: Mapping[str, Json]) -> Weighing:
    return Weighing(
        intercept=_finite(document["intercept"]),
        prompt=_finite(document.get("prompt", 0.0)),
        weights=_weights(document["weights"]),
    )


def _weights(document: Json) -> dict[str, Weight]:
    if not isinstance(document, dict):
        raise TypeError(f"not a table of weights: {document!r}")
    return {name: _weight(name, values) for name, values in document.items()}


def _weight(name: str, values: Json) -> Weight:
    if not isinstance(values, list) or len(values) != 3:  # noqa: PLR2004 (mean, spread, weight)
        raise ValueError(f"{name} is not [mean, spread, weight]")
    mean, spread, weight = map(_finite, values)
    if spread <= 0.0:
        raise ValueError(f"{name} has no spread")
    return mean, spread, weight


def _finite(value: Json) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"not a number: {value!r}")
    if value != value or abs(value) > 1e6:  # noqa: PLR0124, PLR2004 (NaN; no weight is so large)
        raise ValueError(f"not a usable number: {value!r}")
    return float(value)
