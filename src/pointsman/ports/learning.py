"""What learning reads and keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pointsman.types import (
    Change,
    Experiment,
    Observed,
    Signals,
    Version,
)


class EvidenceStore(Protocol):
    """What is known of how well answers did. Every method raises LedgerUnavailable."""

    async def add_signals(self, signals: Sequence[Signals]) -> None:
        """Keep them with their entries; parts that are there already are replaced, name by name."""

    async def observed(self, *, organisation: str | None = None, limit: int) -> Sequence[Observed]:
        """The newest `limit` answers that a signal or a rating is known of, the oldest first.

        Settled ones with features only; of one organisation or of all.
        """

    async def evidence_stamp(self) -> str:
        """What is another whenever a signal or a rating has come, also to another gateway."""


class VersionStore(Protocol):
    """What was learned, and what happened to it. Every method raises LedgerUnavailable."""

    async def versions(self, *, organisation: str | None = None) -> Sequence[Version]:
        """The oldest first; of one organisation or of all."""

    async def add_version(self, version: Version) -> None:
        """Keep it. One that is there already is not changed."""

    async def add_change(self, change: Change) -> None:
        """Keep it; where it names a version, that is in force for its organisation from now on."""

    async def changes(
        self, *, organisation: str | None = None, limit: int = 100
    ) -> Sequence[Change]:
        """The newest first."""

    async def in_force(self) -> Mapping[str, str]:
        """By organisation, the version that the last change named."""


class ExperimentStore(Protocol):
    """Comparisons on a share of the traffic. Every method raises LedgerUnavailable."""

    async def put_experiment(self, experiment: Experiment) -> None:
        """Keep it, in place of what was there for its id."""

    async def experiments(self, *, organisation: str | None = None) -> Sequence[Experiment]:
        """The oldest first."""

    async def taken_part(self, experiment: str) -> Sequence[Observed]:
        """Every settled request that took part, the oldest first; with signals or without."""
