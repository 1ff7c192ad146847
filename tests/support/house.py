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
from pointsman.access.tenant_wishes import (
    NewDeployment,
    NewMember,
    NewOrganisation,
    NewProviderKey,
)
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.app import App
from pointsman.assembly.scheduling import batch_books
from pointsman.assembly.tenancy import ENCRYPTION_KEY
from pointsman.clock import ManualClock
from pointsman.config import CacheSettings
from pointsman.feedback.experiment_view import NewExperiment
from pointsman.ports import Page
from pointsman.storage.vault import new_key
from pointsman.types import Batch, Principal, Role, Scope, Selection, StoredFile

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
            await store.tenants(Scope("acme")),
            await batch_books(store).files(Page(9), Scope("acme")),
            await batch_books(store).batches(Page(9), Scope("acme")),
        )


async def furnish(home: Path | None = None) -> House:
    """Start a gateway; make keys, and have acme ask something. With a `home`, on real databases."""
    clock = ManualClock()
    more = {} if home is None else {"home": home}
    settings = two_tiers(cache=CacheSettings(), api_key="a-static-key", **more)
    environment = {ENCRYPTION_KEY: new_key()}
    app = App(settings, environment=environment, clock=clock)
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
        "/v1/organisations": await _organisation(app),
        **await _batch(app, house.keys["user"][:11]),
    }
    return house


async def _batch(app: App, key: str) -> dict[str, dict[str, str]]:
    """A file of acme's and a batch of it that has ended; their ids, by path."""
    books, now = batch_books(app.bookkeeping.store), ManualClock().now()
    file = StoredFile("file_acme", "acme", key, f"{CANARY}.jsonl", "batch", len(CANARY), now)
    await books.put_piece(file.id, 0, CANARY.encode())
    await books.add_file(file)
    batch = Batch(
        id=f"batch_{0:032x}",
        organisation="acme",
        key=key,
        endpoint="/v1/embeddings",
        input_file=file.id,
        window="24h",
        created=now,
        expires=now,
        status="failed",
        metadata={"of": CANARY},
    )
    await books.add_batch(batch)
    return {"/v1/files": {"file_id": file.id}, "/v1/batches": {"batch_id": batch.id}}


async def _organisation(app: App) -> dict[str, str]:
    """Records of acme, of a person, of a provider's key and of a deployment; their ids.

    Globex has a record, too.
    """
    organising = app.bookkeeping.organising(lambda: app.settings)
    await organising.create(OPERATOR, NewOrganisation("acme", f"{CANARY} Inc."))
    await organising.create(OPERATOR, NewOrganisation("globex"))
    member = await organising.add_member(OPERATOR, "acme", NewMember(f"ann@{CANARY}.example"))
    await organising.put_provider_key(
        OPERATOR, "acme", NewProviderKey("openai", f"sk-{CANARY}-0123456789abcdef")
    )
    own = NewDeployment(f"own-{CANARY}", "openai", f"ft-{CANARY}", weight=0.0)
    await organising.put_deployment(OPERATOR, "acme", own)
    return {"id": "acme", "member": member.id, "provider": "openai", "deployment": own.id}


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
