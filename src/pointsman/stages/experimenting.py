"""Experiments that run: in memory, so that no request waits for a database to know its side."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from pointsman.access.wishes import NewKey, organisation_of
from pointsman.errors import BadRequest, Forbidden, NotFound, Unavailable
from pointsman.feedback.experiment import Figures, figures_of
from pointsman.feedback.experiment_view import NewExperiment
from pointsman.ports import Clock, ExperimentStore, VersionStore
from pointsman.routing.experiment import EVERYBODY, of_deployments, of_versions
from pointsman.types import (
    SHIPPED,
    Assigned,
    Call,
    Candidate,
    Change,
    Decision,
    Experiment,
    Principal,
    Stay,
)

_log = logging.getLogger("pointsman.stages.learning")
_ID_BYTES = 6
#: Experiments that may run at the same time, of an organisation (or of none) and altogether: each
#: is looked at with every decision.
MOST_RUNNING, MOST_ALTOGETHER = 16, 256
#: Requests from which on figures are kept for so many seconds.
_MANY = 5_000
_KEPT_S = 60.0
#: Characters of a name, and of a reason.
_LONGEST_NAME = 100
_LONGEST_REASON = 500


class Store(ExperimentStore, VersionStore, Protocol):
    """Where experiments are kept, with what is compared in them and what happened."""


class Experimenting:
    """Starts, stops and knows experiments, over the store that outlives the process.

    What is changed is stored first, then known here, at once; what another gateway changed is known
    with the next `refresh`. While the store is down, those that run go on.
    """

    def __init__(
        self,
        tiers: Mapping[str, str],
        clock: Clock,
        *,
        knows: Callable[[str], bool] | None,
        visible: Callable[[str], Collection[str]] | None = None,
        random: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        """`tiers` of all deployments, by id. Until it is opened, nothing runs.

        `knows` says whether a version can be used now; None where learning is off. `visible` are
        the ids of those deployments that an organisation may use; all where not given.
        """
        self.tiers = tiers
        self._knows = knows
        self._visible = visible
        self._clock = clock
        self._random = random
        self._opened: Store | None = None
        self._known: Mapping[str, Experiment] = {}
        self._running: tuple[Experiment, ...] = ()
        #: Of large ones, and until when they are good enough.
        self._figures: dict[str, tuple[Figures, float]] = {}
        self._failing = False
        self._changing = asyncio.Lock()
        #: Called when one was changed here: others are to look.
        self.changed: Callable[[], None] | None = None

    async def open(self, store: Store) -> None:
        """Know what runs. Raises LedgerUnavailable."""
        self._opened = store
        await self._read(store)

    async def refresh(self) -> None:
        """Read the store again; where it is down, all stays as it is."""
        if self._opened is None:
            return
        try:
            async with self._changing:
                await self._read(self._opened)
        except Unavailable as error:
            if not self._failing:
                _log.warning("experiments can't be read, those that run go on: %s", error)
            self._failing = True
        else:
            self._failing = False

    def of(
        self,
        call: Call,
        decision: Decision | None = None,
        candidates: Sequence[Candidate] = (),
        stay: Stay | None = None,
    ) -> Assigned | None:
        """The experiment that a call takes part in, and its side.

        Before it is decided: one of versions; with its decision: one of deployments.
        """
        if not self._running:
            return None
        if decision is None:
            return of_versions([each for each in self._running if self._is_known(each)], call)
        return of_deployments(self._running, call, decision, candidates, stay)

    @property
    def versions(self) -> set[str]:
        """Those that are compared now."""
        named = [each for each in self._running if each.of == "versions"]
        return {version for each in named for version in (each.a, each.b)}

    def list(self, by: Principal) -> Sequence[Experiment]:
        """Those that `by` may know of, the oldest first."""
        return [each for each in self._known.values() if _sees(by, each)]

    def get(self, by: Principal, experiment_id: str) -> Experiment:
        """Raises NotFound."""
        found = self._known.get(experiment_id)
        if found is None or not _sees(by, found):
            raise NotFound(f"there is no experiment {experiment_id[:128]!r}")
        return found

    async def figures(self, experiment: Experiment) -> Figures:
        """How its sides do; where that is much to read, as of a minute ago at most.

        Raises LedgerUnavailable.
        """
        known, until = self._figures.get(experiment.id, (None, 0.0))
        if known is not None and self._clock.monotonic() < until:
            return known
        rows = await self._store.taken_part(experiment.id)
        figures = await asyncio.to_thread(figures_of, experiment, rows)
        if len(rows) > _MANY:
            self._figures[experiment.id] = figures, self._clock.monotonic() + _KEPT_S
        return figures

    async def start(self, by: Principal, wish: NewExperiment) -> Experiment:
        """Start one. Raises BadRequest, Forbidden, LedgerUnavailable."""
        organisation = _organisation(by, wish)
        _check(wish)
        async with self._changing:
            await self._check_sides(wish, organisation)
            await self._read(self._store)
            self._check_free(by, wish, organisation)
            experiment = Experiment(
                id=f"exp_{self._random(_ID_BYTES)}",
                organisation=organisation,
                name=wish.name or f"{wish.a} against {wish.b}",
                time=self._clock.now(),
                of=wish.of,
                a=wish.a,
                b=wish.b,
                share=wish.share,
                until_decided=wish.until_decided,
            )
            began = f"{wish.a} against {wish.b} on {wish.share * 100:.3g}% of the conversations"
            await self._put(experiment, f"began: {began}", {"share": wish.share})
        return experiment

    async def stop(self, by: Principal, experiment_id: str, reason: str = "") -> Experiment:
        """Stop it; one that is stopped stays as it is. Raises NotFound, LedgerUnavailable."""
        if len(reason) > _LONGEST_REASON or not reason.isprintable():
            raise BadRequest(
                f"`reason` must be at most {_LONGEST_REASON} printable characters", param="reason"
            )
        figures = await self.figures(self.get(by, experiment_id))
        async with self._changing:
            await self._read(self._store)
            return await self._stopped(self.get(by, experiment_id), reason or "stopped", figures)

    async def conclude(self) -> None:
        """Stop those that are to run until they are decided, and are. Raises LedgerUnavailable."""
        for each in [each for each in self._running if each.until_decided]:
            figures = await self.figures(each)
            if figures.better is not None:
                async with self._changing:
                    await self._read(self._store)  # it may have been stopped, or forgotten
                    if (known := self._known.get(each.id)) is not None:
                        await self._stopped(known, f"decided: {figures.verdict}", figures)

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise Unavailable("experiments are not open yet")
        return self._opened

    def _is_known(self, experiment: Experiment) -> bool:
        """Whether both sides of it can be used, where it is one of versions."""
        if experiment.of != "versions" or self._knows is None:
            return False
        return self._knows(experiment.a) and self._knows(experiment.b)

    async def _read(self, store: Store) -> None:
        self._learn(await store.experiments())

    def _learn(self, known: Sequence[Experiment]) -> None:
        self._known = {each.id: each for each in known}
        self._running = tuple(each for each in known if each.state == "running")

    async def _stopped(self, experiment: Experiment, reason: str, figures: Figures) -> Experiment:
        if experiment.state == "stopped":
            return experiment
        now = self._clock.now()
        ended = replace(experiment, state="stopped", stopped=now, reason=reason)
        await self._put(ended, f"ended, {reason}", {"figures": msgspec.to_builtins(figures)})
        return ended

    async def _put(self, experiment: Experiment, what: str, evidence: Mapping[str, object]) -> None:
        store, now = self._store, experiment.stopped or experiment.time
        await store.put_experiment(experiment)
        self._learn([*{**self._known, experiment.id: experiment}.values()])
        if self.changed is not None:
            self.changed()
        await store.add_change(
            Change(
                id=f"{experiment.id}_{'began' if experiment.stopped is None else 'ended'}",
                organisation=experiment.organisation,
                time=now,
                kind="experiment",
                text=f"experiment {experiment.name} {what}",
                evidence=_json({"experiment": experiment.id, **evidence}),
            )
        )

    async def _check_sides(self, wish: NewExperiment, organisation: str) -> None:
        visible = self.tiers if self._visible is None else self._visible(organisation)
        known: Sequence[str] = sorted(visible)
        if wish.of == "versions":
            if self._knows is None:
                raise BadRequest("learning is off: no request is scored by a version", param="of")
            versions = await self._store.versions()
            known = [
                SHIPPED,
                *(each.id for each in versions if each.organisation in {EVERYBODY, organisation}),
            ]
        for member, named in (("a", wish.a), ("b", wish.b)):
            if named not in known:
                there = ", ".join(known[-10:])
                raise BadRequest(
                    f"there is no {wish.of[:-1]} {named[:128]!r}, only {there}", param=member
                )

    def _check_free(self, by: Principal, wish: NewExperiment, organisation: str) -> None:
        """No request may be moved by two of them."""
        of_theirs = sum(each.organisation == organisation for each in self._running)
        if of_theirs >= MOST_RUNNING or len(self._running) >= MOST_ALTOGETHER:
            raise BadRequest(f"{of_theirs} experiments run already: stop one first")
        for each in self._running:
            is_near = EVERYBODY in {each.organisation, organisation}
            if each.of != wish.of or not (is_near or each.organisation == organisation):
                continue
            shared = {each.a, each.b} & {wish.a, wish.b}
            if shared or wish.of == "versions":
                what = " and ".join(sorted(shared)) or "the versions' traffic"
                where = f" {each.id}" if _sees(by, each) else ""
                raise BadRequest(
                    f"the experiment{where} has {what} in it already: stop it first", param="a"
                )


def _sees(by: Principal, experiment: Experiment) -> bool:
    return by.grant.everywhere or experiment.organisation == by.organisation


def _organisation(by: Principal, wish: NewExperiment) -> str:
    """Whose experiment it is to be. Raises BadRequest, Forbidden."""
    own = EVERYBODY if by.grant.everywhere else by.organisation
    if wish.organisation is UNSET:
        return own
    if own not in {EVERYBODY, wish.organisation}:
        raise Forbidden(f"this key manages the experiments of {by.organisation} only")
    if wish.organisation == EVERYBODY:
        return EVERYBODY
    return organisation_of(NewKey(organisation=wish.organisation), own)


def _check(wish: NewExperiment) -> None:
    """Raises BadRequest where it can't be one, whatever there is."""
    if wish.a == wish.b:
        raise BadRequest(f"`a` and `b` are both {wish.a[:128]!r}: name two", param="b")
    if not 0 < wish.share <= 1:
        raise BadRequest(
            "`share` must be above 0 and at most 1: of the conversations, those that take part",
            param="share",
        )
    if len(wish.name) > _LONGEST_NAME or not wish.name.isprintable():
        raise BadRequest(
            f"`name` must be at most {_LONGEST_NAME} printable characters", param="name"
        )


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()
