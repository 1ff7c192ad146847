"""What was taken over from another router, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.onboarding.draft import Table


@dataclass(frozen=True, slots=True)
class Became:
    """One setting of the other router. Holds no secret."""

    name: str
    #: What it is here; why not, where it was left.
    what: str
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """A whole configuration of another router."""

    tables: tuple[Table, ...]
    became: tuple[Became, ...]
