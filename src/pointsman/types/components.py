"""The parts that a gateway is made of, and how they do."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

#: `degraded` serves, but not as well as it should; `off` is not wanted, which is well.
ComponentState: TypeAlias = Literal["ok", "degraded", "down", "off"]
#: The books: where they are `down`, no request is served.
LEDGER = "ledger"


class Component(msgspec.Struct, frozen=True):
    """One part, in words that a stranger may read: no address, no path, no name of a customer."""

    name: str
    state: ComponentState
    detail: str = ""

    @property
    def is_well(self) -> bool:
        """Nobody need look at it."""
        return self.state in {"ok", "off"}
