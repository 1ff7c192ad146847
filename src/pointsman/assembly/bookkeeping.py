"""The books and who may fill them: the store, keys, limits, budgets, and what is done in time."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol, TypeAlias, TypeVar

from pointsman.access.admit import Admission
from pointsman.access.alerts import Alerts, Poster
from pointsman.access.budgets import Budgeting
from pointsman.access.directory import Directory
from pointsman.access.keyring import KeyRing
from pointsman.access.organising import Organising
from pointsman.assembly import rules
from pointsman.assembly.shared_books import open_shared
from pointsman.assembly.sharing import Sharing
from pointsman.assembly.tariffs import price_list
from pointsman.assembly.tenancy import Tenancy, objector, sealer
from pointsman.config import PrincipalSettings, Settings, resolve_secret
from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.ledger.marks import Marks
from pointsman.ledger.price_list import Daily, Getter
from pointsman.ledger.pricing import Pricer
from pointsman.ledger.settle import Recorder
from pointsman.ports import Clock, Ledger, Observer, RateLimiter
from pointsman.rounds import Rounds
from pointsman.routing.privacy import Detector
from pointsman.stages.collecting import EVERY_S, Collecting
from pointsman.stages.prompt_keeping import PromptKeeping
from pointsman.storage.ledger_postgres import PostgresStore
from pointsman.storage.memory import MemoryStore
from pointsman.storage.owner import Claim, owner
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import ALL_ENTRIES, Means, Principal

Store: TypeAlias = SqliteStore | MemoryStore | PostgresStore

_T = TypeVar("_T")
_NOT_STARTED = "not started: use `async with`, or call start() first"
#: Seconds between two looks for keys that another gateway changed: it is to be known in a second.
_KEYS_S = 0.5
#: Seconds between two signs of life that gateways give each other.
_BEAT_S = 10.0
#: Seconds between two looks for gateways that give none any more.
_SWEEP_S = 60.0
#: Seconds between two tries to write settlements that could not be written.
_OWED_S = 5.0
#: Seconds between two looks whether the list of prices is too old.
_PRICES_S = 60.0
#: Seconds after the start until there is time to forget what is too old.
_SETTLED_IN_S = 60.0
#: Seconds between two rounds of it.
_FORGET_S = 3600.0


class Net(Poster, Getter, Protocol):
    """What reaches the world outside."""


class Bookkeeping:
    """Opened by `open`, and then all of it is there until `close`."""

    def __init__(
        self,
        settings: Settings,
        *,
        net: Net,
        clock: Clock,
        observer: Observer,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Does no I/O. `net` is for alerts and prices. Raises ConfigError."""
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._environment = environment
        self._rounds = Rounds(observer)
        #: With other gateways.
        self.sharing = Sharing(settings, clock=clock, observer=observer, environment=environment)
        webhook = settings.alerts.webhook
        self._alerts = Alerts(
            net,
            None if webhook is None else resolve_secret(webhook, environment),
            at=settings.alerts.at,
            clock=clock,
            fault=observer.fault,
        )
        self._prices = Daily(price_list(settings), net, clock)
        #: How far open streams have come.
        self.marks = Marks()
        self._store: Store | None = None
        self._claim: Claim | None = None
        self._prompts: PromptKeeping | None = None
        #: What makes signals of replies; None where nobody wants them, or it is not open.
        self.collecting: Collecting | None = None
        self._keys: KeyRing | None = None
        self._directory: Directory | None = None
        self._follow: Callable[[], Awaitable[object]] = _nothing
        #: What organisations have of their own is another than what serves them.
        self._behind = False
        self._admission: Admission | None = None
        self._recorders: set[Recorder] = set()
        #: Those that nothing is recorded with any more, and that still owe.
        self._retired: set[Recorder] = set()
        #: Measures how long a ledger takes.
        self.timed: Callable[[Ledger], Ledger] = lambda ledger: ledger
        self._budgeting = Budgeting()
        self._replaced: set[PromptKeeping] = set()

    async def open(
        self,
        *,
        address: str | None = None,
        in_memory: bool = False,
        local: bool = True,
    ) -> None:
        """Open the store and read the keys.

        `address` is where this process listens, for the command line to find, with what lets it in;
        `local`: only this machine can reach it. Raises ConfigError where the store can't be used.
        """
        store = self._store = await self._opened(address, in_memory=in_memory)
        held = None if in_memory else owner(self._settings.database)
        directory = self._directory = Directory(store, sealer(self._settings, self._environment))
        await directory.load()
        static, ledger = self._settings.api_key, self._settings.ledger
        keys = self._keys = KeyRing(
            store,
            self._clock,
            static=None if static is None else resolve_secret(static, self._environment),
            operator=None if held is None else held.token,
            origins=self._settings.server.cors_origins,
            local=local,
            roles=directory.role,
            is_former=directory.is_former,
            lasting_s=ledger.keys_s if isinstance(store, PostgresStore) else math.inf,
        )
        await keys.load()
        self._admission = self._admits(store)
        self._prompts = self._prompt_keeping(store)
        self.collecting = self._collects(store)
        await self._prices.load()
        self._begin(store, keys)

    @property
    def store(self) -> Store:
        """The store. Only while open."""
        if self._store is None:
            raise ConfigError(_NOT_STARTED)
        return self._store

    @property
    def directory(self) -> Directory:
        """The organisations. Only while open."""
        return _there(self._directory)

    @property
    def tenancy(self) -> Tenancy:
        """What organisations have of their own; nothing is known before it is open."""
        directory = self._directory
        if directory is None:
            return Tenancy()
        return Tenancy(directory.tenants.deployments, directory.secrets)

    @property
    def is_shared(self) -> bool:
        """Other gateways use the store, too. Only while open."""
        return isinstance(self.store, PostgresStore)

    @property
    def prompts(self) -> PromptKeeping:
        """What keeps prompts, for those who want that. Only while open."""
        return _there(self._prompts)

    @property
    def keys(self) -> KeyRing:
        """Who may ask. Only while open."""
        return _there(self._keys)

    @property
    def admission(self) -> Admission:
        """How much of what. Only while open."""
        return _there(self._admission)

    @property
    def limiter(self) -> RateLimiter:
        """What counts requests and tokens."""
        return self.sharing.limiter

    def follow_organisations(self, follow: Callable[[], Awaitable[object]]) -> None:
        """Have `follow` told when what organisations have of their own is another."""
        self._follow = follow
        if isinstance(self._store, PostgresStore):
            self._rounds.every(_KEYS_S, "organisations", self.refresh_organisations)

    def organising(self, settings: Callable[[], Settings]) -> Organising:
        """What manages organisations, over the operator's settings as they are. Only while open."""
        return Organising(
            self.directory,
            self.store,
            self._clock,
            standing=self.keys.standing,
            objection=objector(settings),
            changed=self._organisations_changed,
        )

    def recorder(self, pricer: Pricer) -> Recorder:
        """What writes entries, at these prices. Only while open.

        What it could not write is tried again until it is retired, or `close`.
        """
        recorder = Recorder(
            self.timed(self.store),
            pricer,
            self._clock,
            self._observer,
            ended=self.admission.ended,
        )
        self._recorders.add(recorder)
        return recorder

    @property
    def owed(self) -> int:
        """How many settlements could not be written yet."""
        return sum(recorder.owes for recorder in self._recorders | self._retired)

    async def retire(self, recorder: Recorder, prompts: PromptKeeping) -> None:
        """Nothing is recorded or kept with these any more; what is owed is paid, now or later."""
        self._recorders.discard(recorder)
        self._retired.add(recorder)
        await self._paid(recorder)
        await prompts.close()
        self._replaced.discard(prompts)

    def renew(self, settings: Settings) -> None:
        """Other limits, budgets and prompts are kept from now on. Only while open."""
        self._settings = settings
        self._admission = self._admits(self.store)
        self._replaced.add(self.prompts)
        self._prompts = self._prompt_keeping(self.store)
        if self.collecting is not None:
            self.collecting.follow(settings.routing.tiers)

    def every(self, interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do `work` every so many seconds, as long as the books are open."""
        self._rounds.every(interval_s, name, work)

    def means(self, principal: Principal) -> Means:
        """What somebody may use and spend; while it is not open, no budget is known."""
        if self._admission is None:
            return Means(principal.grant, organisation=principal.organisation)
        return self._admission.means(principal)

    def join(self) -> None:
        """Keep up with what other gateways say of keys and budgets. Only while open."""
        self.sharing.look("keys", self.keys.refresh)
        self.keys.changed = self.sharing.tell("keys")
        self.sharing.look("organisations", self.refresh_organisations)
        self.sharing.hear_balances(self._budgeting.note)
        self.sharing.share_alerts(self._alerts)

    async def close(self) -> None:
        """Write what waits, and give everything back. Idempotent."""
        await self._rounds.close()
        for keeping in (*self._replaced, *([self._prompts] if self._prompts else [])):
            await keeping.close()
        if self.collecting is not None:
            await self.collecting.close()
        await self._alerts.close()
        await self._pay()
        await self.sharing.close()
        store, self._store, self._keys, self._admission = self._store, None, None, None
        if store is not None:
            await store.close()
        if self._claim is not None:
            self._claim.release()

    async def _pay(self) -> None:
        for recorder in self._recorders | self._retired:
            await self._paid(recorder)

    async def _paid(self, recorder: Recorder) -> None:
        try:
            await recorder.pay()
        except LedgerUnavailable as error:
            self._observer.fault("record", error)
        if not recorder.owes:
            self._retired.discard(recorder)

    async def _opened(self, address: str | None, *, in_memory: bool) -> Store:
        url = self._settings.ledger.url
        if in_memory:
            return MemoryStore()
        if url is not None:
            if self._settings.worker is None:  # else whoever started it has the claim
                self._claim = Claim(self._settings.database, address=address)
            return await open_shared(self._settings, self._environment, self._clock.now)
        return await asyncio.to_thread(
            SqliteStore.open, self._settings.database, address=address, now=self._clock.now
        )

    def _admits(self, store: Store) -> Admission:
        self.keys.stated = rules.allowances(self._settings).keys
        return Admission(
            allowances=rules.allowances(self._settings),
            limiter=self.limiter,
            budgeting=self._budgeting,
            alerts=self._alerts,
            books=store,
            clock=self._clock,
            told=self.sharing.told_of_balances,
        )

    def _prompt_keeping(self, store: Store) -> PromptKeeping:
        return PromptKeeping(
            store,
            Detector("personal", self._settings.privacy.patterns).places,
            self._observer,
            everybody=self._settings.prompts.store,
            organisations={
                name: each.prompts.store
                for name, each in self._settings.organisations.items()
                if each.prompts is not None
            },
        )

    def _collects(self, store: Store) -> Collecting | None:
        learning = self._settings.learning
        if not learning.enabled or not learning.signals.enabled:
            return None
        collecting = Collecting(
            store,
            rules.verifier(),
            tiers=self._settings.routing.tiers,
            side_calls=rules.side_calls(),
            clock=self._clock,
            observer=self._observer,
        )
        self._rounds.every(EVERY_S, "signals", collecting.write)
        return collecting

    def _begin(self, store: Store, keys: KeyRing) -> None:
        """What is done now and then, from now on."""
        every = self._rounds.every
        every(self._settings.ledger.mark_s, "mark", self.marks.mark)
        every(_OWED_S, "record", self._pay)
        every(_FORGET_S, "forget", self._forget, first_s=_SETTLED_IN_S)
        if self._settings.prices.update == "daily":
            every(_PRICES_S, "prices", self._prices.look, first_s=0)
        if isinstance(store, PostgresStore):
            every(_KEYS_S, "keys", keys.refresh)
            every(_BEAT_S, "beat", lambda: store.beat(self._clock.now()))
            every(_SWEEP_S, "sweep", lambda: store.sweep(self._clock.now()))

    async def refresh_organisations(self) -> None:
        """Follow what another gateway changed."""
        if await self.directory.refresh():
            self._behind = True
        if self._behind:
            await self._catch_up()

    async def _organisations_changed(self) -> None:
        """By this gateway: keys may have ended, deployments come and gone."""
        self.sharing.tell("organisations")()
        self._behind = True
        await self.directory.load()
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Keys first: they may have ended with their member."""
        await self.keys.refresh()
        await self._follow()
        self._behind = False

    async def _forget(self) -> None:
        """What is older than it is to be kept: an organisation's own time goes before everybody's."""
        settings, store, now = self._settings, self.store, self._clock.now()
        for row in await store.report(ALL_ENTRIES, ("organisation",)):
            name = row.organisation
            own = settings.organisations.get(name or "", PrincipalSettings())
            days = own.retention_days or settings.ledger.retention_days
            prompts = (own.prompts or settings.prompts).retention_days
            await store.forget_prompts(organisation=name, before=now - timedelta(days=prompts))
            if days is not None:
                await store.forget_entries(organisation=name, before=now - timedelta(days=days))


def _there(part: _T | None) -> _T:
    """A part that is there while the books are open. Raises ConfigError where they are not."""
    if part is None:
        raise ConfigError(_NOT_STARTED)
    return part


async def _nothing() -> None:
    """Nobody follows yet."""
