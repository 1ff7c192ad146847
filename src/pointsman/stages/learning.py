"""Learning in the background: evidence in, a version out, if it is better. `informing` uses it."""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import msgspec

from pointsman.config import Settings
from pointsman.errors import BadRequest, NotFound, Unavailable
from pointsman.feedback.explore import Account
from pointsman.feedback.history import CHANGES_READ, change_id, history, version_before
from pointsman.feedback.learning_view import (
    ExploringView,
    InForceView,
    LearningView,
    change_view,
    patterns,
    version_view,
)
from pointsman.ports import Clock, Observer
from pointsman.rounds import Rounds
from pointsman.routing.policy import Policy
from pointsman.stages.drawing import Drawing
from pointsman.stages.improving import ALL, Improving, Store, changes_of
from pointsman.stages.informing import Informing, Minds
from pointsman.threads import step_back
from pointsman.types import SHIPPED, Change

if TYPE_CHECKING:
    from pointsman.stages.informing import Mind
    from pointsman.stages.teaching import Teacher

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds between two looks for what another gateway promoted or reverted.
_NOTICE_S = 0.5
#: Outcomes that add one interval to the time between two looks for new ones.
_SLOWER_PER = 1_000
#: After traffic or quality has changed, so many times as many requests are drawn for a day, but not
#: more than so many of all unless that is what the settings say. What draws may cost stays the same.
_WIDER, MOST_WIDE, _WIDE = 2.0, 0.2, timedelta(days=1)
#: Changes that are shown, and versions that are named.
_SHOWN, _NAMED = 50, 10


class Learning:
    """Opened with the store, it learns until it is closed."""

    def __init__(
        self,
        settings: Settings,
        *,
        policy: Policy,
        tiers: Collection[str],
        clock: Clock,
        observer: Observer,
        changed: Callable[[], None] | None = None,
    ) -> None:
        """Nothing is loaded yet. `tiers` are those with a deployment.

        `changed` is called when other versions are in force: other gateways are to look.
        """
        self._settings = settings.learning
        self._clock = clock
        self._observer = observer
        self._policy = policy
        self._tiers = [tier for tier in policy.tiers if tier in tiers]
        #: Says of each request what was learned of such.
        self.informing = Informing({settings.routing.scorer}, observer)
        #: Draws tiers to learn from; None where nothing is explored.
        self.drawing = _drawing(settings)
        #: Something that was learned is in force and still being read: requests go as shipped.
        self.catching_up = False
        self._rounds = Rounds(observer)
        self._changed = changed
        self._thread: ThreadPoolExecutor | None = None
        self._opened: Store | None = None
        self._teacher: Teacher | None = None
        self._loaded: asyncio.Task[None] | None = None
        self._read: dict[str, Mind] = {}
        self._in_force: Mapping[str, str] = {}
        self._stamp = ""
        self._rests_until = 0.0
        self._busy, self._changing, self._refreshing = (asyncio.Lock() for _ in range(3))

    async def open(self, store: Store, *, shared: bool) -> None:
        """Begin; `shared`: other gateways use the store, too. Returns before anything is loaded."""
        self._opened = store
        if not self._settings.enabled:
            return
        self.catching_up = True
        self._thread = ThreadPoolExecutor(1, "learning", initializer=step_back)
        self._loaded = asyncio.create_task(self._load())
        self._rounds.every(self._settings.every_s, "learning", self._round)
        if shared:
            self._rounds.every(_NOTICE_S, "learning", self.refresh)

    async def close(self) -> None:
        """Stop; what was being learned is learned again another time. Idempotent."""
        await self._rounds.close()
        if self._loaded is not None:
            self._loaded.cancel()
            await asyncio.gather(self._loaded, return_exceptions=True)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._thread = self._opened = None

    async def loaded(self) -> None:
        """Wait until it has what it learns with. Raises Unavailable where learning is off."""
        if self._loaded is None:
            raise Unavailable("learning is off: [learning] enabled = false")
        await asyncio.shield(self._loaded)

    async def refresh(self) -> None:
        """Use what is in force by now. Raises LedgerUnavailable."""
        async with self._refreshing:
            in_force = await self._store.in_force()
            if in_force == self._in_force or self._teacher is None:
                return
            if not self._read.keys() >= set(in_force.values()) - {SHIPPED}:
                await self._read_versions(self._teacher)
            self._use(in_force)
            self._in_force = in_force

    async def know(self, versions: Collection[str]) -> None:
        """Be able to use these, too: experiments name them. Raises LedgerUnavailable."""
        if self._teacher is None or self._read.keys() >= set(versions) - {SHIPPED}:
            return
        await self._read_versions(self._teacher)
        self._use(self._in_force)

    async def retrain(self, organisation: str | None = None) -> list[Change]:
        """Learn now from what is known; what that changed. Raises LedgerUnavailable, Unavailable.

        Of one organisation, or of all. What somebody reverted may be promoted again.
        """
        await self.loaded()
        return await self._learn(organisation, asked=True)

    async def revert(self, organisation: str = ALL, version: str | None = None) -> Change:
        """Put an earlier version in force again, the one before where none is named.

        `shipped` is one, too. Raises NotFound, BadRequest, LedgerUnavailable.
        """
        async with self._changing:
            change = await self._revert(organisation, version)
        self._tell()
        await self.refresh()
        return change

    async def _revert(self, organisation: str, version: str | None) -> Change:
        own = await self._changes(organisation)
        everybody = await self._changes(ALL) if organisation != ALL else ()
        now = history(own).version or history(everybody).version
        wanted = version_before(own, everybody) if version is None else version
        if version is None and now in {None, wanted}:
            raise BadRequest("nothing was learned yet: there is nothing to go back from")
        await self._check(organisation, wanted)
        change = Change(
            id=change_id(organisation, "reverted", wanted, secrets.token_hex(8)),
            organisation=organisation,
            time=self._clock.now(),
            kind="reverted",
            text=_went_back(now or SHIPPED, wanted),
            version=wanted,
        )
        await self._store.add_change(change)
        return change

    async def status(self, organisation: str | None = None) -> LearningView:
        """All that there is to know; of one organisation, or of all. Raises LedgerUnavailable."""
        changes = await self._store.changes(organisation=organisation, limit=_SHOWN)
        versions = await self._store.versions(organisation=organisation)
        in_force = await self._store.in_force()
        scopes = sorted({ALL, *in_force} if organisation is None else {organisation})
        standing = [await self._in_force_view(each) for each in scopes]
        return LearningView(
            enabled=self._settings.enabled,
            kind=self._settings.kind,
            ready=self.informing.ready,
            in_force=standing,
            exploring=self._exploring(of_all=organisation is None),
            changes=[change_view(each) for each in changes],
            versions=[version_view(each) for each in versions],
            patterns=patterns([each for each in versions if each.id in in_force.values()]),
        )

    async def _load(self) -> None:
        """Load what it learns with, then what was learned."""
        try:
            self.catching_up = bool(set((await self._store.in_force()).values()) - {SHIPPED})
            teacher = self._teacher = await self._aside(_teacher, self._policy, self._tiers)
            self.informing.start(teacher, teacher.shipped)
            await self.refresh()
            await self._widen()
        except Exception as error:  # noqa: BLE001 - requests are routed as shipped
            self._observer.fault("learning", error)
        finally:
            self.catching_up = False

    async def _read_versions(self, teacher: Teacher) -> None:
        """Those that are not known yet; one that can't be read counts as what ships."""
        for version in await self._store.versions():
            if version.id in self._read:
                continue
            try:
                self._read[version.id] = await self._aside(teacher.read, version)
            except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
                self._observer.fault("learning", error)
                self._read[version.id] = teacher.shipped

    def _use(self, in_force: Mapping[str, str]) -> None:
        if self._teacher is None:
            return
        known = {**self._read, SHIPPED: self._teacher.shipped}
        used = {name: known[version] for name, version in in_force.items() if version in known}
        self.informing.minds = Minds(used, dict(self._read))

    async def _round(self) -> None:
        """Learn, where there is something new and it was not tried just now."""
        if self._teacher is None:
            return
        await self._widen()
        if self._clock.monotonic() < self._rests_until:
            return
        await self.refresh()
        stamp = await self._store.evidence_stamp()
        if stamp == self._stamp:
            return
        await self._learn(None, asked=False)
        self._stamp = stamp

    async def _learn(self, organisation: str | None, *, asked: bool) -> list[Change]:
        if self._teacher is None:
            raise Unavailable("what learning needs could not be loaded; the log says why")
        async with self._busy:
            await self.refresh()
            improving = Improving(
                self._settings,
                self._store,
                self._teacher,
                self._aside,
                self._clock,
                changing=self._changing,
            )
            changes = await improving.look(self._read, organisation, asked=asked)
            await self._widen()
            slower = 1 + improving.outcomes / _SLOWER_PER
            self._rests_until = self._clock.monotonic() + self._settings.every_s * (slower - 1)
        if changes:
            self._tell()
        await self.refresh()
        return changes

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()

    async def _widen(self) -> None:
        """Explore more for a day after an alarm, whichever gateway raised it."""
        if self.drawing is None:
            return
        newest = await self._store.changes(limit=CHANGES_READ)
        alarm = next((each.time for each in newest if each.kind == "drift"), None)
        usual = self._settings.explore.share
        wide = min(usual * _WIDER, max(usual, MOST_WIDE))
        is_wide = alarm is not None and self._clock.now() - alarm < _WIDE
        self.drawing.account.share = wide if is_wide else usual

    async def _check(self, organisation: str, version: str) -> None:
        """Raises NotFound where there is no such version for the organisation."""
        known = await self._store.versions()
        there = [SHIPPED, *(each.id for each in known if each.organisation in {ALL, organisation})]
        if version not in there:
            last = ", ".join(there[-_NAMED:])
            raise NotFound(f"there is no version {version[:128]!r}; there are: {last}")

    async def _in_force_view(self, organisation: str) -> InForceView:
        now = history(await self._changes(organisation))
        if now.version is None and organisation != ALL:
            now = history(await self._changes(ALL))
        return InForceView(organisation, now.version or SHIPPED, now.since, now.why, now.held)

    def _exploring(self, *, of_all: bool) -> ExploringView:
        if self.drawing is None:
            return ExploringView(False, 0.0, 0.0, False, 0, 0, 0.0, 0.0)
        account = self.drawing.account
        shown = ExploringView(
            enabled=True,
            share=account.share,
            cost=account.cost,
            widened=account.share > self._settings.explore.share,
        )
        if not of_all:
            return shown
        return msgspec.structs.replace(
            shown,
            drawn=account.drawn,
            drawable=account.drawable,
            spent=account.spent,
            extra=account.extra,
        )

    async def _changes(self, organisation: str) -> Sequence[Change]:
        return await changes_of(self._store, organisation)

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise Unavailable("learning is not open")
        return self._opened

    async def _aside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it in the thread that steps back."""
        if self._thread is None:
            raise Unavailable("learning is off: [learning] enabled = false")
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _went_back(before: str, wanted: str) -> str:
    if wanted == before:
        return f"{wanted} stays in force"
    return f"{wanted} is in force again, instead of {before}"


def _drawing(settings: Settings) -> Drawing | None:
    learning = settings.learning
    if not (learning.enabled and learning.explore.enabled):
        return None
    return Drawing(
        Account(learning.explore.share, learning.explore.cost, first=learning.least),
        off_organisations=[
            name for name, each in settings.organisations.items() if not each.explore
        ],
        off_keys=[name for name, each in settings.keys.items() if not each.explore],
    )


def _teacher(policy: Policy, tiers: Sequence[str]) -> Teacher:
    """Imported here, in a thread: numpy takes longer than the gateway has to start."""
    made: Teacher = importlib.import_module("pointsman.stages.teaching").teacher(policy, tiers)
    return made
