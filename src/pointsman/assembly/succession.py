"""What is in force, what follows it when the settings change, and how the one before ends."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Collection

from pointsman.assembly.caching import Caching
from pointsman.assembly.composing import Composition, Surroundings
from pointsman.config import Renewal, Settings, renewal
from pointsman.stages.experimenting import Experimenting
from pointsman.stages.learning import Learning

#: Has the next requests go to what is in force now.
Turn = Callable[[], None]


class Succession:
    """One composition after the other, with what was learned. Built at once, without I/O."""

    def __init__(
        self,
        settings: Settings,
        around: Surroundings,
        prepare: Callable[[Settings], Awaitable[None]],
    ) -> None:
        """Raises ConfigError where a deployment can't be built as configured.

        `prepare` is awaited before settings are used, organisations' own ones known.
        """
        self._around = around
        self._prepare = prepare
        #: The operator's own settings, as they were read last.
        self.read = settings
        #: In force.
        self.current = Composition(settings, around)
        self.learning = self._learns(self.current)
        self.experimenting = Experimenting(
            self.current.tiers,
            around.clock,
            knows=self._knows if settings.learning.enabled else None,
            visible=self._visible,
        )
        self.current.learn(self.learning, self.experimenting)
        #: Those that still answer who came to them, each with what waits for their end.
        self._answering: dict[Composition, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._renewals: set[asyncio.Task[Renewal]] = set()
        self._renewing = asyncio.Lock()

    async def start(self) -> None:
        """Begin with what is in force, once the books are open. Raises LedgerUnavailable."""
        books = self._around.bookkeeping
        await self._prepare(self.read)
        self.current = self.current.with_organisations(self.read, self.learning, self.experimenting)
        await self.experimenting.open(books.store)
        await self.learning.open(books.store, shared=books.is_shared)

    async def renew(self, read: Settings | None, caching: Caching, turn: Turn) -> Renewal:
        """Go on with these settings, or those read last, as far as they take effect without a start.

        A request goes on with what was in force when it came. Who is cancelled does not stop it,
        and what it begins does not count as that request's. Raises ConfigError, and then nothing is
        changed.
        """
        work = asyncio.create_task(self._renew(read, caching, turn), context=contextvars.Context())
        self._renewals.add(work)
        work.add_done_callback(self._renewals.discard)
        return await asyncio.shield(work)

    async def end_all(self) -> None:
        """Close all that are in force no more, whatever they still answer."""
        await asyncio.gather(*self._renewals, return_exceptions=True)
        for waiting in self._answering.values():
            waiting.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _renew(self, read: Settings | None, caching: Caching, turn: Turn) -> Renewal:
        async with self._renewing:
            read = read or self.read  # not before: others may be read while it waits
            await self._prepare(read)
            tenancy, taught = self._around.bookkeeping.tenancy, self.learning
            renewed = renewal(self.current.settings, tenancy.within(read))
            if renewed.changed or self.current.tenancy != tenancy:
                await self._follow(renewed.settings, caching, turn)
            self.read = read
            if taught is not self.learning:
                await taught.close()
            return renewed

    async def _follow(self, settings: Settings, caching: Caching, turn: Turn) -> None:
        """Put another composition in force, beside which the one before ends."""
        caching.check(settings)
        before, learning = self.current, self.learning
        made = Composition(settings, self._around, before=before)
        try:
            if _teaches_otherwise(before, made):
                learning = self._learns(made)
                await self._taught(learning)
            made.learn(learning, self.experimenting)
            await made.start_providers()
            await made.watch.look()
            await made.load_prices()
        except BaseException:
            if learning is not self.learning:
                await learning.close()
            await made.close(before)
            raise
        # From here on nothing can fail.
        self._around.bookkeeping.renew(settings)
        caching.renew(settings)
        made.open(caching)
        made.watch.start()
        self.experimenting.tiers = made.tiers
        self.current, self.learning = made, learning
        turn()
        self._answering[before] = asyncio.create_task(before.answered())
        ending = asyncio.create_task(self._end(before))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, before: Composition) -> None:
        """Once it answers nobody, give back what no other uses."""
        await asyncio.wait({self._answering[before]})
        del self._answering[before]
        await before.close(*self._answering, self.current)

    async def _taught(self, learning: Learning) -> None:
        """Have it ready to be used."""
        books = self._around.bookkeeping
        await learning.open(books.store, shared=books.is_shared)
        await learning.loaded()
        await learning.know(self.experimenting.versions)

    def _learns(self, made: Composition) -> Learning:
        around = self._around
        return Learning(
            made.settings,
            policy=made.policy,
            tiers=made.tiers.values(),
            clock=around.clock,
            observer=around.observer,
            changed=around.bookkeeping.sharing.tell("learning"),
        )

    def _visible(self, organisation: str) -> Collection[str]:
        return self.current.deployments.of(organisation)

    def _knows(self, version: str) -> bool:
        return self.learning.informing.knows(version)


def _teaches_otherwise(before: Composition, after: Composition) -> bool:
    """Whether what was learned before means something else now."""
    if not after.settings.learning.enabled:
        return False
    names = ("routing", "organisations", "keys")
    same = all(getattr(before.settings, each) == getattr(after.settings, each) for each in names)
    return not (same and _everybodys_tiers(before) == _everybodys_tiers(after))


def _everybodys_tiers(composition: Composition) -> set[str]:
    """What an organisation has of its own teaches nobody otherwise."""
    return {line.deployment.tier for line in composition.lines.of(None).values()}
