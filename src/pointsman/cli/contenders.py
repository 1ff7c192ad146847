"""What can be measured: scorers by name, and the verifier on top of the one that is used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

import typer

from pointsman import proof
from pointsman.assembly import rules
from pointsman.calling.draft import Draft
from pointsman.config import Settings
from pointsman.ports import Scorer
from pointsman.proof.rows import Row
from pointsman.routing.policy import TWO_TIERS
from pointsman.types import Score, Turn

ScorerOption = Annotated[
    str | None, typer.Option("--scorer", help="learned or heuristic; else as configured.")
]


class Scoring:
    """One scorer, and the verifier on top of it, as functions of a prompt and a reply."""

    def __init__(self, name: str, settings: Settings, scorer: Scorer) -> None:
        """A prompt that is asked for twice in a row is scored once."""
        self.name = name
        self._settings = settings
        self._scorer = scorer
        self._verifier = rules.verifier()
        self._scored = lru_cache(maxsize=1)(self._of_prompt)

    def scored(self, prompt: str) -> Score:
        """Of the prompt alone."""
        return self._scored(prompt)

    def verified(self, prompt: str, reply: str | None) -> float | None:
        """0-100, of the prompt with its reply; None where there is none."""
        if reply is None:
            return None
        return self._verifier.score(Draft(prompt=prompt, text=reply), self._scored(prompt))

    def alone(self) -> proof.Contender:
        """The scorer, at its own threshold between two tiers."""
        own = rules.policy(self._settings).own(self.name)
        return proof.Contender(lambda row: self.scored(row.prompt).value, own.get(TWO_TIERS, 50.0))

    def with_verifier(self) -> proof.Contender:
        """Both together, at the verifier's bound."""
        threshold = 100.0 * (1.0 - rules.looks(self._settings).bound)
        return proof.Contender(self._of_both, threshold, judges_replies=True)

    def _of_both(self, row: Row) -> float:
        verified = self.verified(row.prompt, row.weak_answer)
        return self.scored(row.prompt).value if verified is None else verified

    def _of_prompt(self, prompt: str) -> Score:
        return self._scorer.score((Turn("user", prompt),))


def scoring(settings: Settings, named: str | None) -> Scoring:
    """The scorer that is named, else the configured one. Raises typer.BadParameter."""
    known = _scorers(settings)
    name = named or _configured(settings, known)
    if name not in known:
        raise typer.BadParameter(f"scorers are {', '.join(known)}", param_hint="--scorer")
    return Scoring(name, settings, known[name])


def contenders(settings: Settings, named: str | None) -> dict[str, proof.Contender]:
    """The scorer that is used, alone and with the verifier, then the other scorers."""
    used = scoring(settings, named)
    others = {
        name: Scoring(name, settings, scorer).alone()
        for name, scorer in _scorers(settings).items()
        if name != used.name
    }
    return {used.name: used.alone(), f"{used.name} + verifier": used.with_verifier(), **others}


def _scorers(settings: Settings) -> Mapping[str, Scorer]:
    """Those that ask no model, the default first."""
    return {"learned": rules.learned(settings), "heuristic": rules.heuristic()}


def _configured(settings: Settings, known: Mapping[str, Scorer]) -> str:
    configured = settings.routing.scorer
    return configured if configured in known else next(iter(known))
