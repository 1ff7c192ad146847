"""A gateway with keys of every kind, and records of one organisation that others must not touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from starlette.types import ASGIApp
from tests.gateway import two_tiers
from tests.support.direct import Got, send
from tests.support.routes import Route

from pointsman.access.keyring import KeyRing
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.app import App
from pointsman.clock import ManualClock
from pointsman.config import CacheSettings
from pointsman.feedback.experiment_view import NewExperiment
from pointsman.types import Principal, Role, Selection

OPERATOR = Principal(key="operator")
#: What acme asked: nobody else may ever see it.
CANARY = "canary-7f3a91"

#: How a key is sent.
CARRIERS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "x-api-key": lambda key: {"x-api-key": key},
}
#: Who is let in, by credential.
ROLE_OF: Mapping[str, Role] = {
    "user": "user",
    "user in its grace time": "user",
    "reader": "read-only",
    "reader of all": "read-only",
    "admin of acme": "admin",
    "admin of globex": "admin",
    "admin": "admin",
    "static": "admin",
}
#: Who is not.
REFUSED = ("wrong", "an id", "nearly", "expired", "deactivated", "deleted", "rotated out")


@dataclass
class House:
    """The gateway as an ASGI application."""

    gateway: App
    app: ASGIApp
    #: By credential.
    keys: dict[str, str] = field(default_factory=dict)
    #: Ids of acme's records, by the name of the parameter, for each path that has one.
    acme: dict[str, dict[str, str]] = field(default_factory=dict)

    async def ask(
        self,
        route: Route,
        headers: Mapping[str, str] | None = None,
        *,
        ids: Mapping[str, str] | None = None,
        body: bytes = b"{}",
    ) -> Got:
        """The answer; a body goes with POST alone."""
        encoded = [(name.encode(), text.encode()) for name, text in (headers or {}).items()]
        sent = body if route.method == "POST" else b""
        return await send(self.app, route.method, route.at(ids), headers=encoded, body=sent)

    def acmes(self, route: Route) -> Mapping[str, str] | None:
        """The route's parameters where they name a record of acme's; None where it has none."""
        return next((ids for at, ids in self.acme.items() if route.pattern.startswith(at)), None)

    async def canary(self) -> object:
        """All that there is of acme's, to be compared."""
        ring, store = self.gateway.bookkeeping.keys, self.gateway.bookkeeping.store
        cached = await self.gateway.pipeline.cache.store.list(
            Selection(organisation="acme"), limit=9
        )
        return (
            [key for key in ring.list(OPERATOR) if key.organisation == "acme"],
            await store.get(self.acme["/v1/decisions"]["request_id"]),
            [reply.id for reply in cached.replies],
            await store.experiments(organisation="acme"),
        )


async def furnish(home: Path | None = None) -> House:
    """Start a gateway; make keys, and have acme ask something. With a `home`, on real databases."""
    clock = ManualClock()
    more = {} if home is None else {"home": home}
    settings = two_tiers(cache=CacheSettings(), api_key="a-static-key", **more)
    app = App(settings, environment={}, clock=clock)
    await app.start(in_memory=home is None)
    house = House(app, app.asgi())
    house.keys = await _keys(app.bookkeeping.keys, clock)
    asked = await send(
        house.app,
        "POST",
        "/v1/chat/completions",
        headers=[(b"x-api-key", house.keys["user"].encode())],
        body=b'{"model": "auto", "messages": [{"role": "user", "content": "%b"}]}'
        % CANARY.encode(),
    )
    assert asked.status == 200, asked.body
    await app.caching.keeper.close()  # which lets it finish what it keeps
    held = await app.pipeline.cache.store.list(Selection(organisation="acme"), limit=1)
    request_id = dict(asked.headers)[b"x-request-id"].decode()
    house.acme = {
        "/v1/decisions": {"request_id": request_id},
        "/decisions": {"request_id": request_id},
        "/v1/keys": {"id": house.keys["user"][:11]},
        "/v1/cache": {"id": held.replies[0].id},
        "/v1/experiments": {"id": await _experiment(app)},
    }
    return house


async def _experiment(app: App) -> str:
    """One of acme's; its id."""
    wish = NewExperiment(a="weak", b="strong", name="of acme", share=0.01, organisation="acme")
    return (await app.experimenting.start(OPERATOR, wish)).id


async def _keys(ring: KeyRing, clock: ManualClock) -> dict[str, str]:
    async def make(organisation: str = "acme", **wish: object) -> str:
        made = await ring.create(OPERATOR, NewKey(organisation=organisation, **wish))
        return made.text

    keys = {
        "static": "a-static-key",
        "user": await make(name=f"{CANARY} user"),
        "reader": await make(role="read-only"),
        "reader of all": await make("default", role="read-only", everywhere=True),
        "admin of acme": await make(role="admin"),
        "admin of globex": await make("globex", role="admin"),
        "admin": await make("default", role="admin", everywhere=True),
        "expired": await make(expires=clock.now() + timedelta(minutes=1)),
        "deactivated": await make(),
        "deleted": await make(),
        "rotated out": await make(),
        "user in its grace time": await make(),
        "wrong": "pm_aaaaaaaa_" + "x" * 43,
    }
    keys["an id"], keys["nearly"] = keys["user"][:11], keys["user"][:-1]
    await ring.change(OPERATOR, keys["deactivated"][:11], KeyChange(active=False))
    await ring.delete(OPERATOR, keys["deleted"][:11])
    await ring.rotate(OPERATOR, keys["rotated out"][:11], Rotation(grace_s=60))
    await ring.rotate(OPERATOR, keys["user in its grace time"][:11], Rotation(grace_s=3600))
    clock.advance(60)
    return keys
