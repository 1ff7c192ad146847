"""From settings to the cache: which store, which embedder, which rules. Names adapters, as `app` does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence

from pointsman.assembly import rules
from pointsman.assembly.storing import Store, is_shared, open_store
from pointsman.assembly.wiring import weights_of
from pointsman.cache.keep import Keeper
from pointsman.cache.lookup import Cache
from pointsman.cache.rules import Rule, Rules
from pointsman.cache.semantic import Semantic
from pointsman.cache.truth import Truth
from pointsman.cache.versions import Versions
from pointsman.calling.execute import Caller
from pointsman.config import CacheSettings, ModelSettings, PrincipalSettings, Settings
from pointsman.embedding.minilm import MiniLM
from pointsman.embedding.upstream import UpstreamEmbedder
from pointsman.errors import CacheUnavailable, ConfigError
from pointsman.garbage import pass_over_what_is_here
from pointsman.ports import CheckStore, Clock, Embedder, Observer
from pointsman.routing.policy import Policy
from pointsman.stages.asking import Asking
from pointsman.stages.rechecking import Comparer, Rechecking
from pointsman.storage.cache_sqlite import SqliteCache
from pointsman.types import CacheTier, Check, Deployment

#: Seconds between two looks for what has expired.
SWEEP_S = 60.0
#: Tokens that an upstream's embedder reads; longer prompts have the exact tier only.
_UPSTREAM_WINDOW = 512
#: Where no hit is asked again, nobody knows how many there were that nobody called bad.
_UNCHECKED = 1e-9


class Caching:
    """The cache with its store and embedder, opened and closed together."""

    def __init__(
        self,
        settings: Settings,
        *,
        caller: Caller,
        policy: Policy,
        deployments: Mapping[str, Deployment],
        clock: Clock,
        observer: Observer,
        environment: Mapping[str, str],
        embedder: Embedder | None = None,
    ) -> None:
        """Nothing is opened yet. `embedder` stands in for the configured one."""
        self._settings = settings
        self._caller = caller
        self._policy = policy
        self._deployments = deployments
        self._clock = clock
        self._observer = observer
        self._environment = environment
        self._embedder = embedder
        self._store: Store | None = None
        self._minilm: MiniLM | None = None
        self._opened: Cache | None = None
        self._keeper: Keeper | None = None
        #: Checks semantic hits; None where there are none, or it is not open.
        self.rechecking: Rechecking | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, checks: CheckStore, *, in_memory: bool, address: str | None) -> Cache:
        """Open the store and make the stage. Raises ConfigError where it can't be opened.

        What was kept is read into the index while requests are served already.
        """
        cache = self._settings.cache
        store = self._store = await open_store(
            self._settings,
            environment=self._environment,
            in_memory=in_memory,
            address=address,
        )
        semantic = self._semantic(store) if cache.is_similar else None
        decider = "" if semantic is None else semantic.decider
        opened = Cache(
            rules=cache_rules(cache, self._settings),
            store=store,
            semantic=semantic,
            truth=truth_of(cache, await checks.checks(), decider),
            versions=Versions(_versions(self._settings)),
            clock=self._clock,
            observer=self._observer,
            is_shared=is_shared(store),
        )
        self._opened = opened
        self._keeper = Keeper(opened, self._settings.routing.tiers, self._clock)
        self._keeper.holds_secret = rules.secret_finder(self._settings)
        if opened.semantic is not None:
            self.rechecking = self._rechecks(opened, opened.semantic.embedder, checks)
            self._keeper.watch = self.rechecking.fresh
        self._sweep_later(store, opened)
        if isinstance(store, SqliteCache) and semantic is not None:
            self._tasks.append(asyncio.create_task(self._load(store, opened)))
        if self._minilm is not None:
            self._tasks.append(asyncio.create_task(self._warm(self._minilm)))
        return opened

    @property
    def cache(self) -> Cache:
        """The stage. Only while open."""
        if self._opened is None:
            raise ConfigError("the cache is not open")
        return self._opened

    @property
    def keeper(self) -> Keeper:
        """What puts replies into it. Only while open."""
        if self._keeper is None:
            raise ConfigError("the cache is not open")
        return self._keeper

    def check(self, settings: Settings) -> None:
        """Whether it could go on with these. Raises ConfigError where it could not."""
        if self.rechecking is not None:
            _judge(settings)

    def renew(self, settings: Settings) -> None:
        """Look up by other rules from now on; what is kept of other deployments is not given out."""
        self._settings = settings
        if self._opened is not None:
            self._opened.rules = cache_rules(settings.cache, settings)
            self._opened.versions.configure(_versions(settings))
            self._opened.truth.bind(settings.cache.max_false_hits, _bounds(settings.cache))
        if self._keeper is not None:
            self._keeper.tiers = settings.routing.tiers
        if self.rechecking is not None:
            self.rechecking.judge = settings.routing.judge.deployment

    async def close(self) -> None:
        """Keep what is being kept, then give everything back. Idempotent."""
        if self._keeper is not None:
            await self._keeper.close()
        if self.rechecking is not None:
            await self.rechecking.close()
        if self._opened is not None:
            await self._opened.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._minilm is not None:
            await self._minilm.close()
        store, self._store = self._store, None
        self._opened = self._keeper = self.rechecking = None
        if store is not None:
            await store.close()

    def _semantic(self, store: Store) -> Semantic:
        cache, verifier = self._settings.cache, rules.pair_verifier()
        embedder, asking = self._made_embedder()
        calibrated = embedder.name == verifier.embedder
        if not calibrated and not cache.uncalibrated:
            raise ConfigError(
                f"[cache] no thresholds are shipped for the embedder {embedder.name}; "
                "set `uncalibrated = true` and a `min_similarity` of your own"
            )
        return Semantic(
            index=store,
            embedder=embedder,
            guard=rules.guard(),
            verifier=verifier if calibrated else None,
            floor=verifier.floor if cache.min_similarity is None else cache.min_similarity,
            is_free=asking is None or asking.is_local,
        )

    def _made_embedder(self) -> tuple[Embedder, Asking | None]:
        name = self._settings.cache.embedder
        if self._embedder is not None:
            return self._embedder, None
        if name == "minilm":
            self._minilm = MiniLM(self._settings.home / "models" / "minilm")
            return self._minilm, None
        asking = Asking(name, self._caller, self._policy, self._deployments, self._clock)
        model = self._deployments[name].model
        made = UpstreamEmbedder(asking.embed, deployment=name, model=model, window=_UPSTREAM_WINDOW)
        return made, asking

    def _rechecks(self, opened: Cache, embedder: Embedder, checks: CheckStore) -> Rechecking:
        cache, judge = self._settings.cache, _judge(self._settings)
        if (
            cache.compare == "embedding"
            and opened.semantic is not None
            and not opened.semantic.is_free
        ):
            raise ConfigError(
                "[cache] answers are not compared by an embedder that may cost money: set "
                'compare = "judge" and name one as [routing.judge] deployment'
            )
        return Rechecking(
            cache=opened,
            checks=checks,
            comparer=Comparer(cache.compare, embedder),
            judge=judge,
            share=cache.recheck,
            clock=self._clock,
            observer=self._observer,
        )

    def _sweep_later(self, store: Store, opened: Cache) -> None:
        def begin() -> None:
            self._tasks.append(asyncio.create_task(self._sweep(store, opened)))

        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, begin)

    async def _sweep(self, store: Store, opened: Cache) -> None:
        """Once; and again when it is time."""
        self._tasks = [task for task in self._tasks if not task.done()]
        try:
            await store.sweep(self._clock.now())
        except Exception as error:  # noqa: BLE001 - it goes on all the same
            opened.report(error)
        self._sweep_later(store, opened)

    async def _load(self, store: SqliteCache, opened: Cache) -> None:
        try:
            await store.load()
        except CacheUnavailable as error:
            opened.report(error)
        pass_over_what_is_here()  # the whole index

    async def _warm(self, embedder: MiniLM) -> None:
        """Load its weights before somebody waits for them."""
        try:
            await embedder.load()
        except CacheUnavailable as error:
            self._observer.fault("cache", error)


def _judge(settings: Settings) -> str | None:
    """What compares answers, where a judge does. Raises ConfigError where it is missing."""
    compare, judge = settings.cache.compare, settings.routing.judge.deployment
    if compare != "embedding" and judge is None:
        raise ConfigError(
            f'[cache] compare = "{compare}" needs a judge: name a deployment as '
            "[routing.judge] deployment"
        )
    return judge


def _versions(settings: Settings) -> dict[str, str]:
    return {name: _version(model, settings) for name, model in settings.models.items()}


def _above(tier: str, settings: Settings) -> list[str]:
    """Higher tiers in which everybody's chats can be answered."""
    tiers = settings.routing.tiers
    everybodys = (each for each in settings.models.values() if each.organisations is None)
    in_use = {settings.tier_of(each) for each in everybodys if "chat" in each.tasks}
    return [each for each in tiers[tiers.index(tier) + 1 :] if each in in_use]


def cache_rules(cache: CacheSettings, settings: Settings) -> Rules:
    """What the operator says of the cache."""
    default = Rule(cache.exact, cache.semantic, cache.ttl_s)
    routes = {
        name: Rule(
            default.exact if route.exact is None else route.exact,
            default.semantic if route.semantic is None else route.semantic,
            default.ttl_s if route.ttl_s is None else route.ttl_s,
        )
        for name, route in cache.routes.items()
    }
    return Rules(
        default=default,
        routes=routes,
        organisations=_most(settings.organisations),
        keys=_most(settings.keys),
        shared=cache.scope == "organisation",
        epoch=cache.epoch,
        ignored=cache.ignore,
    )


def _most(principals: Mapping[str, PrincipalSettings]) -> dict[str, CacheTier]:
    return {name: each.cache for name, each in principals.items() if each.cache is not None}


def truth_of(cache: CacheSettings, checks: Sequence[Check], decider: str | None = None) -> Truth:
    """What is known of the semantic tier's errors, from all that was checked so far.

    Without `decider`, what decided last is taken to decide now.
    """
    last = checks[-1].decider if checks else ""
    counted = [each for each in checks if each.decider == (last if decider is None else decider)]
    if not cache.is_similar:
        return Truth(bound=cache.max_false_hits, threshold=1.0)
    shipped = rules.pair_verifier().threshold
    if cache.uncalibrated and cache.min_similarity is not None:
        shipped = cache.min_similarity
    truth = Truth(
        bound=cache.max_false_hits,
        threshold=shipped if cache.min_probability is None else cache.min_probability,
        bounds=_bounds(cache),
        share=cache.recheck or _UNCHECKED,
    )
    for check in counted:
        truth.note(check)
    return truth


def _bounds(cache: CacheSettings) -> dict[str, float]:
    """The most false hits of those routes that have their own bound."""
    return {
        name: route.max_false_hits
        for name, route in cache.routes.items()
        if route.max_false_hits is not None
    }


def _version(model: ModelSettings, settings: Settings) -> str:
    """Changes whenever what the deployment answers may, or who is answered by it, or for what.

    Also with the tiers above it that there are: it stands in for those that there are not.
    """
    tier = settings.tier_of(model)
    parts = [
        repr((tier, sorted(model.organisations or ("",)))),
        repr(_above(tier, settings)),
        model.provider,
        model.model,
        model.address or "",
        repr(sorted(model.extra.items())),
        repr(sorted(model.drop_params)),
        repr((model.context_length, model.max_output_tokens, model.script)),
    ]
    if model.provider == "embedded":
        with contextlib.suppress(OSError):
            found = weights_of(model, settings).stat()
            parts.append(f"{found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
