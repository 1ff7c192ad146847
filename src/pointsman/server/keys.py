"""API keys: made, listed, changed, rotated, deleted. A whole key is in one reply, once."""

from __future__ import annotations

from pointsman.access.view import Deleted, KeyList, key_view
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.server.bodies import read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names


async def create(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Make a key; the reply's `key` is shown this once."""
    wish = await read(incoming.body, NewKey)
    made = await gateway.access.create(incoming.principal, wish)
    return as_json(key_view(made.key, made.text), status=201)


async def listed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The keys that the caller manages, the oldest first, without what is secret."""
    check_names(incoming.query, ())
    found = gateway.access.list(incoming.principal)
    return as_json(KeyList([key_view(key) for key in found]))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One key, without what is secret."""
    return as_json(key_view(gateway.access.get(incoming.principal, incoming.parameters["id"])))


async def change(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Change a key: its name, what it may use, its limits and budgets, `expires`, `active`."""
    wish = await read(incoming.body, KeyChange)
    key_id = incoming.parameters["id"]
    return as_json(key_view(await gateway.access.change(incoming.principal, key_id, wish)))


async def rotate(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Give a key another secret; the one it had is valid for `grace_s` more, a day by default."""
    rotation = await read(incoming.body, Rotation) if incoming.body else Rotation()
    made = await gateway.access.rotate(incoming.principal, incoming.parameters["id"], rotation)
    return as_json(key_view(made.key, made.text))


async def delete(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Forget a key: it is valid no more, at once."""
    key_id = incoming.parameters["id"]
    await gateway.access.delete(incoming.principal, key_id)
    return as_json(Deleted(key_id))
