"""What was taken over from another router, and what became of it."""

from __future__ import annotations

import msgspec

from pointsman.onboarding.draft import Table


class Became(msgspec.Struct, frozen=True):
    """One setting of the other router. Holds no secret."""

    name: str
    #: What it is here; why not, where it was left.
    what: str
    taken: bool = True


class Imported(msgspec.Struct, frozen=True):
    """A whole configuration of another router."""

    tables: tuple[Table, ...]
    became: tuple[Became, ...]
