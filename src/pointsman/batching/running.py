"""Asks a portion of a batch's rows, each once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from pointsman.access import end_users
from pointsman.batching.hours import OffPeak
from pointsman.errors import BadRequest, LedgerUnavailable, PointsmanError, RateLimited
from pointsman.formats.one_line import one_line
from pointsman.formats.responses import stored
from pointsman.formats.wire import ClientFormat
from pointsman.ports import BatchBooks, Clock
from pointsman.types import (
    MOST_TRIES,
    Batch,
    BatchRow,
    Call,
    FormatName,
    ModelRequest,
    Principal,
    Reply,
    RowAnswer,
    RowPlace,
    row_request_id,
)

#: The endpoints that rows may name, and the formats that these speak.
ENDPOINTS: Mapping[str, FormatName] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "responses",
}
#: Seconds for which what is known of a batch's status is taken for true.
STATUS_S = 1.0
#: Seconds until rows that got nothing to keep are asked again; twice as long each time, to a bound.
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 120.0
#: Batches whose status is known.
_MOST_LOOKED = 100
_LARGE_BYTES = 128 * 1024
_log = logging.getLogger("pointsman.batching")


class Running:
    """What one gateway does of all batches: so many rows at once."""

    def __init__(
        self,
        books: BatchBooks,
        *,
        ask: Callable[[Call], Awaitable[Reply]],
        principal: Callable[[str], Awaitable[Principal]],
        clients: Mapping[FormatName, ClientFormat],
        clock: Clock,
        concurrency: int,
        off_peak: OffPeak | None,
    ) -> None:
        """`principal` is who has a key, by its id; it raises AuthenticationFailed, LedgerUnavailable."""
        self._books = books
        self._ask = ask
        self._principal = principal
        self._clients = clients
        self._clock = clock
        self._concurrency = concurrency
        self._free = asyncio.Semaphore(concurrency)
        self._off_peak = off_peak
        self._stopping = False
        self._looked: dict[str, tuple[float, bool]] = {}
        #: Request ids of the rows that are being asked, by batch.
        self._asking: dict[str, set[str]] = {}

    def asking(self, batch_id: str) -> Collection[str]:
        """Request ids of its rows that are on their way here, also before their entries are."""
        return self._asking.get(batch_id, ())

    def stop(self) -> None:
        """Begin no more rows."""
        self._stopping = True

    async def portion(self, batch: Batch, first: int, count: int, again: int) -> float | None:
        """Ask those rows that have no answer; seconds until that is worth doing again, else None."""
        rows = await self._books.unanswered(batch.id, first, count)
        waiting = deque(rows)
        pauses: list[float] = []
        workers = [
            asyncio.create_task(self._work(batch, waiting, pauses))
            for _ in range(min(self._concurrency, len(rows)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for each in workers:
                each.cancel()
        if not pauses and not waiting:
            return None
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(again, 10))
        return max(pause, *pauses) if pauses else 0.0

    async def _work(self, batch: Batch, waiting: deque[BatchRow], pauses: list[float]) -> None:
        while waiting:
            async with self._free:
                try:
                    goes_on = await self._goes_on(batch)
                except LedgerUnavailable as error:  # others of its rows may be on their way
                    pauses.append(error.retry_after or _FIRST_PAUSE_S)
                    return
                if not goes_on or not waiting:  # another took the last one meanwhile
                    return
                pause = await self._row(batch, waiting.popleft())
                if pause is not None:
                    pauses.append(pause)

    async def _goes_on(self, batch: Batch) -> bool:
        """Whether more rows are to be begun."""
        now = self._clock.now()
        if self._stopping or now >= batch.expires:
            return False
        if self._off_peak is not None and self._off_peak.wait(now, batch.expires) is not None:
            return False
        looked, goes_on = self._looked.get(batch.id, (float("-inf"), True))
        if self._clock.monotonic() - looked >= STATUS_S:
            there = await self._books.batch(batch.id)
            goes_on = there is not None and there.status == "in_progress"
            if len(self._looked) > _MOST_LOOKED:
                self._looked.clear()
            self._looked[batch.id] = (self._clock.monotonic(), goes_on)
        return goes_on

    async def _row(self, batch: Batch, row: BatchRow) -> float | None:
        """Ask one row. None where it has its answer, else the least seconds to wait."""
        request_id = row_request_id(batch.id, row.number, min(row.tries, MOST_TRIES - 1))
        asking = self._asking.setdefault(batch.id, set())
        asking.add(request_id)
        try:
            return await self._asked(batch, row, request_id)
        finally:
            asking.discard(request_id)
            if not asking:
                self._asking.pop(batch.id, None)

    async def _asked(self, batch: Batch, row: BatchRow, request_id: str) -> float | None:
        place = RowPlace(batch.id, row.number, is_last=row.tries >= MOST_TRIES - 1)
        try:
            _check_tries(row)
            call = await self._call(batch, row, place, request_id)
            reply = await self._ask(call)
        except (RateLimited, LedgerUnavailable) as later:
            return later.retry_after or _FIRST_PAUSE_S
        except PointsmanError as error:
            return await self._failed(batch, place, request_id, error)
        except Exception:  # noqa: BLE001 - the last boundary: logged, and said
            _log.exception("%s failed", request_id)
            ours = PointsmanError(f"Pointsman failed on {request_id}; its log names the cause")
            return await self._failed(batch, place, request_id, ours)
        return None if place.takes(reply.status) else _FIRST_PAUSE_S

    async def _failed(
        self, batch: Batch, place: RowPlace, request_id: str, error: PointsmanError
    ) -> float | None:
        """It may be in the books with its settlement already: then that stays."""
        if not place.takes(error.status):
            return error.retry_after or _FIRST_PAUSE_S
        body = self._clients[ENDPOINTS[batch.endpoint]].error(error, request_id)
        answer = RowAnswer(place.batch, place.number, error.status, one_line(body))
        await self._books.answer(request_id, answer)
        return None

    async def _call(self, batch: Batch, row: BatchRow, place: RowPlace, request_id: str) -> Call:
        client = self._clients[ENDPOINTS[batch.endpoint]]
        large = len(row.body) > _LARGE_BYTES
        parsed = asyncio.to_thread(client.parse, row.body) if large else None
        request = client.parse(row.body) if parsed is None else await parsed
        _check(request)
        principal = await self._principal(batch.key)
        return Call(
            request_id=request_id,
            time=self._clock.now(),
            principal=replace(principal, user=end_users.named(request.user)),
            request=request,
            priority="background",
            row=place,
        )


def portions(total: int, size: int) -> Sequence[int]:
    """Numbers of the portions that so many rows make."""
    return range(-(-total // size))


def _check_tries(row: BatchRow) -> None:
    """Raises PointsmanError where it was begun and not ended too often."""
    if row.tries >= MOST_TRIES:
        raise PointsmanError(f"this request was begun {row.tries} times and never ended")


def _check(request: ModelRequest) -> None:
    """Raises BadRequest for what can't be asked in a batch."""
    if request.stream:
        raise BadRequest("`stream` can't be asked for in a batch", param="stream")
    if request.format != "responses":
        return
    named = stored.named(request.members)
    if named.response is not None or named.items:
        raise BadRequest(
            "a row can't refer to a response or its items: send the whole conversation in `input`",
            param="input" if named.response is None else "previous_response_id",
        )
