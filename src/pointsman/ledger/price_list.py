"""The list of prices that is in force: the installed one, or a newer one that somebody fetched.

Nothing is fetched unless it is asked for, and what can't be fetched or read changes nothing.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from pointsman.errors import Unavailable
from pointsman.ledger import listed
from pointsman.ports import Clock

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

#: Where `genai-prices` publishes its list.
URL = (
    "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/"
    "prices/new_data/v2/data.json"
)
_TIMEOUT_S = 30.0
_OK = 200
#: Fewer sellers than this is no list of prices.
_FEWEST_SELLERS = 10
_DAY, _AFTER_A_FAILURE = timedelta(days=1), timedelta(hours=1)


class PricesUnavailable(Unavailable):
    """No newer list of prices can be had; the one that is there stays in force."""

    code = "prices_unavailable"


class Getter(Protocol):
    """Reads a web resource; follows no redirect."""

    async def get(
        self, url: str, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body. Raises UpstreamError."""


class Edition(msgspec.Struct, frozen=True):
    """A list of prices."""

    #: Of `genai-prices`, that it came with or was fetched for.
    version: str
    #: None for the installed one.
    fetched: datetime | None
    sellers: int
    models: int


class _File(msgspec.Struct):
    """What is kept of a fetched list."""

    version: str
    fetched: datetime
    prices: msgspec.Raw


class PriceList:
    """Puts a list in force, for this process."""

    def __init__(self, path: Path, *, url: str = URL) -> None:
        """`path` is where a fetched list is kept. Does no I/O."""
        self._path = path
        self._url = url

    def load(self) -> Edition:
        """Put the fetched list in force, if one is kept that is newer than the installed one.

        One that was fetched for another version of `genai-prices` is not: what is installed since
        then may be newer. Reads a file, and takes half a second.
        """
        with suppress(OSError, msgspec.DecodeError, PricesUnavailable):
            kept = msgspec.json.decode(self._path.read_bytes(), type=_File)
            if kept.version == _installed():
                return _use(_parsed(bytes(kept.prices)), kept.fetched)
        return _use(None, None)

    async def update(self, getter: Getter, now: datetime) -> Edition:
        """Fetch the list, keep it and put it in force.

        Raises UpstreamError or PricesUnavailable; then all is as it was. What was settled by then
        keeps its price.
        """
        status, body = await getter.get(self._url, {}, _TIMEOUT_S)
        if status != _OK:
            raise PricesUnavailable(f"{self._url} answered {status}")
        return await asyncio.to_thread(self._replace, body, now)

    def _replace(self, body: bytes, now: datetime) -> Edition:
        snapshot = _parsed(body)
        kept = msgspec.json.encode(_File(_installed(), now, msgspec.Raw(body)))
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(kept)
            beside.replace(self._path)
        except OSError as error:
            raise PricesUnavailable(f"{self._path} can't be written: {error.strerror}") from error
        return _use(snapshot, now)


def newest_price(today: date) -> date | None:
    """When the youngest price came into force that the list in force has; None where none says."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - see `listed`
    from genai_prices.types import StartDateConstraint  # noqa: PLC0415

    models = (model for provider in get_snapshot().providers for model in provider.models)
    priced = (each for model in models if isinstance(model.prices, list) for each in model.prices)
    dates = (
        each.constraint.start_date
        for each in priced
        if isinstance(each.constraint, StartDateConstraint)
    )
    return max((each for each in dates if each <= today), default=None)


class Daily:
    """Keeps a list young: asks for a newer one once a day, and after a failure an hour later."""

    def __init__(self, prices: PriceList, getter: Getter, clock: Clock) -> None:
        """Does no I/O."""
        self._prices = prices
        self._getter = getter
        self._clock = clock
        self._due: datetime | None = None

    async def load(self) -> None:
        """Put in force what was fetched before."""
        edition = await asyncio.to_thread(self._prices.load)
        self._due = None if edition.fetched is None else edition.fetched + _DAY

    async def look(self) -> None:
        """Fetch a newer list where it is time for one.

        Raises UpstreamError or PricesUnavailable; then the list that is there stays in force.
        """
        now = self._clock.now()
        if self._due is not None and now < self._due:
            return
        self._due = now + _AFTER_A_FAILURE
        await self._prices.update(self._getter, now)
        self._due = now + _DAY


def _installed() -> str:
    return importlib.metadata.version("genai-prices")


def _parsed(body: bytes) -> DataSnapshot:
    from genai_prices.data_snapshot import DataSnapshot  # noqa: PLC0415 - see `listed`
    from genai_prices.types import _providers_from_raw  # noqa: PLC0415 - its `fetch` keeps no text

    try:
        raw = msgspec.json.decode(body)
        providers = _providers_from_raw(raw) if isinstance(raw, list) else []
    except ValueError as error:  # of msgspec's and of pydantic's kind
        raise PricesUnavailable("what was fetched is no list of prices") from error
    if len(providers) < _FEWEST_SELLERS:
        raise PricesUnavailable("what was fetched is no list of prices")
    return DataSnapshot(providers, from_auto_update=True)


def _use(snapshot: DataSnapshot | None, fetched: datetime | None) -> Edition:
    from genai_prices import data_snapshot  # noqa: PLC0415 - see `listed`

    data_snapshot.set_custom_snapshot(snapshot)
    listed.forget()
    providers = data_snapshot.get_snapshot().providers
    models = sum(len(provider.models) for provider in providers)
    return Edition(_installed(), fetched, len(providers), models)
