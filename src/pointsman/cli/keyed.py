"""API keys, asked of the running gateway, or of the store where none runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import msgspec

from pointsman.access.view import Deleted, KeyList, KeyView, key_view
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.assembly.offline import open_keys, running_at
from pointsman.cli import remote
from pointsman.config import Settings
from pointsman.server.bodies import read
from pointsman.types import Json, Principal

#: Whoever may open the store is an admin everywhere.
_OPERATOR = Principal(key="operator")
_PATH = "/v1/keys"
_T = TypeVar("_T")


async def created(settings: Settings, wish: Mapping[str, Json]) -> KeyView:
    """Make a key; the only time that it is shown whole. Raises PointsmanError."""
    if address := running_at(settings):
        return await remote.call(settings, address, _PATH, KeyView, wish)
    async with open_keys(settings) as ring:
        made = await ring.create(_OPERATOR, await _as(wish, NewKey))
    return key_view(made.key, made.text)


async def listed(settings: Settings) -> KeyList:
    """All keys, the oldest first."""
    if address := running_at(settings):
        return await remote.call(settings, address, _PATH, KeyList)
    async with open_keys(settings) as ring:
        return KeyList([key_view(key) for key in ring.list(_OPERATOR)])


async def shown(settings: Settings, key_id: str) -> KeyView:
    """One key. Raises NotFound, or ConfigError with the gateway's words; so do all that follow."""
    if address := running_at(settings):
        return await remote.call(settings, address, _path(key_id), KeyView)
    async with open_keys(settings) as ring:
        return key_view(ring.get(_OPERATOR, key_id))


async def changed(settings: Settings, key_id: str, wish: Mapping[str, Json]) -> KeyView:
    """Change what the wish names."""
    if address := running_at(settings):
        return await remote.call(settings, address, _path(key_id), KeyView, wish)
    async with open_keys(settings) as ring:
        return key_view(await ring.change(_OPERATOR, key_id, await _as(wish, KeyChange)))


async def rotated(settings: Settings, key_id: str, grace_s: int) -> KeyView:
    """Give it another secret, shown this once; the one it had is valid for `grace_s` seconds more."""
    wish: Mapping[str, Json] = {"grace_s": grace_s}
    if address := running_at(settings):
        return await remote.call(settings, address, f"{_path(key_id)}/rotate", KeyView, wish)
    async with open_keys(settings) as ring:
        made = await ring.rotate(_OPERATOR, key_id, await _as(wish, Rotation))
    return key_view(made.key, made.text)


async def deleted(settings: Settings, key_id: str) -> Deleted:
    """Forget it."""
    if address := running_at(settings):
        return await remote.call(settings, address, _path(key_id), Deleted, method="DELETE")
    async with open_keys(settings) as ring:
        await ring.delete(_OPERATOR, key_id)
    return Deleted(key_id)


async def _as(wish: Mapping[str, Json], kind: type[_T]) -> _T:
    """As the gateway reads it."""
    return await read(msgspec.json.encode(wish), kind)


def _path(key_id: str) -> str:
    return f"{_PATH}/{quote(key_id, safe='')}"
