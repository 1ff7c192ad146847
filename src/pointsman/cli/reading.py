"""The books, asked of the running gateway, or read from the store where none runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from msgspec.structs import asdict

from pointsman.assembly.offline import ReadableStore, reading, running_at
from pointsman.cli import remote
from pointsman.config import Settings
from pointsman.types import Filter

_T = TypeVar("_T")
#: Filters that paths call otherwise.
_CALLED = {"served_tier": "tier", "model_asked": "model"}


async def read(
    settings: Settings,
    path: str,
    kind: type[_T],
    figures: Callable[[ReadableStore], Awaitable[_T]],
    which: Filter,
    *,
    by: Sequence[str] = (),
) -> _T:
    """What `path` of the gateway says of those entries, or `figures` of the store's books."""
    address = running_at(settings)
    if address is not None:
        asked = {**said(which), **({"by": ",".join(by)} if by else {})}
        place = f"{path}?{urlencode(asked)}"
        return await remote.call(settings, address, place, kind)
    async with reading(settings) as books:
        return await figures(books)


def said(which: Filter) -> Mapping[str, str]:
    """A filter as the parameters of a path."""
    return {
        _CALLED.get(name, name): value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(which).items()
        if value is not None
    }
