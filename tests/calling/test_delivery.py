"""How a streamed reply ends, and that each ends in the books once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from pointsman.calling.delivery import Delivery
from pointsman.errors import PointsmanError, UpstreamBroken, UpstreamError
from pointsman.types import OnDisconnect, Outcome


class Stream:
    """A relay that says `text`; then it fails, or stays open until it is let go."""

    usage = None
    model = None

    def __init__(self, error: Exception | None = None, *, stays: bool = False) -> None:
        self.closed = False
        self.go = asyncio.Event()
        self._error = error
        if not stays:
            self.go.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        yield b"text"
        await self.go.wait()
        if self._error is not None:
            raise self._error

    def ending(self) -> bytes:
        return b"[DONE]"

    async def close(self) -> None:
        self.closed = True


class Books:
    """How often a stream was settled, and as what."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    async def settle(self, outcome: Outcome, error: UpstreamError | None) -> None:
        del error
        self.outcomes.append(outcome)


def deliver(stream: Stream, books: Books, on_disconnect: OnDisconnect = "cancel") -> Delivery:
    return Delivery(stream, books.settle, failure=in_words, on_disconnect=on_disconnect)


def in_words(error: PointsmanError) -> bytes:
    return f"[{error}]".encode()


async def heard(delivery: Delivery) -> bytes:
    return b"".join([piece async for piece in delivery])


async def test_a_whole_reply_has_its_ending() -> None:
    books = Books()

    assert await heard(deliver(Stream(), books)) == b"text[DONE]"
    assert books.outcomes == ["completed"]


async def test_a_broken_reply_has_the_error_for_its_ending() -> None:
    books = Books()

    assert await heard(deliver(Stream(UpstreamBroken("gone")), books)) == b"text[gone]"
    assert books.outcomes == ["failed"]


class Clinging(Stream):
    """Its connection can't be given back."""

    async def close(self) -> None:
        raise RuntimeError("still in use")


async def test_a_reply_is_settled_whatever_becomes_of_its_connection() -> None:
    books = Books()

    with pytest.raises(RuntimeError):
        await heard(deliver(Clinging(), books))

    assert books.outcomes == ["completed"]


async def test_a_fault_of_ours_is_no_completed_reply() -> None:
    books = Books()
    pieces = aiter(deliver(Stream(KeyError("choices")), books))

    assert await anext(pieces) == b"text"
    with pytest.raises(KeyError):
        await anext(pieces)
    assert books.outcomes == ["failed"]


async def test_what_an_attempt_took_before_its_stream_counts() -> None:
    books, stream = Books(), Stream(stays=True)
    late = Delivery(stream, books.settle, failure=in_words, total_s=600, spent_s=600)

    assert await heard(late) == b"text[the reply took longer than 600 s]"
    assert books.outcomes == ["failed"]


async def test_closed_before_its_pump_has_begun_it_is_settled_too() -> None:
    books, stream = Books(), Stream(stays=True)

    await deliver(stream, books).close()

    assert (books.outcomes, stream.closed) == (["client_left"], True)


@pytest.mark.parametrize("outcome", ["client_left", "interrupted"])
async def test_closed_in_its_midst_its_upstream_is_cancelled(outcome: Outcome) -> None:
    books, stream = Books(), Stream(stays=True)
    delivery = deliver(stream, books)
    await anext(aiter(delivery))

    await asyncio.gather(delivery.close(outcome), delivery.close("interrupted"), delivery.close())

    assert (books.outcomes, stream.closed) == ([outcome], True)


async def test_drained_it_is_read_to_its_end_for_nobody() -> None:
    books, stream = Books(), Stream(stays=True)
    delivery = deliver(stream, books, "drain")

    await delivery.close()
    assert books.outcomes == []
    stream.go.set()
    await delivery.pump

    assert books.outcomes == ["client_left"]


async def test_a_drain_ends_with_the_gateway() -> None:
    books = Books()
    delivery = deliver(Stream(stays=True), books, "drain")

    await delivery.close()
    await delivery.close("interrupted")

    assert books.outcomes == ["client_left"]


class Flood(Stream):
    """A relay of more than the buffer holds."""

    taken = 0

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        for _ in range(4):
            self.taken += 1
            yield b"x" * 64 * 1024


@pytest.mark.parametrize(("on_disconnect", "taken"), [("cancel", 2), ("drain", 4)])
async def test_a_client_that_stalls_has_left(on_disconnect: OnDisconnect, taken: int) -> None:
    books, flood = Books(), Flood()
    unread = Delivery(
        flood, books.settle, failure=in_words, on_disconnect=on_disconnect, stall_s=0.01
    )

    await asyncio.wait([unread.pump])

    assert (flood.taken, books.outcomes) == (taken, ["client_left"])
