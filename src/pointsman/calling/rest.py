"""Providers that asked to be left alone for a while, and until when. Pure."""

from __future__ import annotations


class Rests:
    """Until when each quota group rests: deployments that share a provider's limits, by name.

    Times are monotonic seconds, handed in.
    """

    def __init__(self) -> None:
        """Nobody rests."""
        self._until: dict[str, float] = {}

    def rest(self, group: str, until: float) -> None:
        """Leave it alone until then; of several wishes the longest counts."""
        self._until[group] = max(until, self._until.get(group, until))

    def wait(self, group: str, now: float) -> float:
        """Seconds that it still rests; 0 where it does not."""
        until = self._until.get(group, now)
        if until <= now:
            self._until.pop(group, None)
            return 0.0
        return until - now
