"""Files: uploaded in pieces, read in pieces; what a batch wrote is read from its rows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from pointsman.batching.lines import written
from pointsman.errors import BadRequest, BodyTooLarge, LedgerUnavailable, NotFound, Overloaded
from pointsman.ports import BatchBooks, Clock, Page
from pointsman.types import Principal, Scope, StoredFile

#: Bytes of a piece.
_PIECE = 1024 * 1024
#: Files that are looked at together, to be forgotten.
_FILES = 100
_LONGEST_NAME = 512
#: Files of the largest size that are in memory at once.
_UPLOADS = 2
#: Seconds after which a file is uploaded again for which there was no room.
_COME_BACK_S = 5.0


class Upload(msgspec.Struct, frozen=True):
    """A file as a client sends it."""

    name: str
    purpose: str
    content: bytes
    #: How long it is kept; None is as long as files are.
    expires_after: timedelta | None = None


class Room:
    """How many bytes of files may be in memory, those on their way included."""

    def __init__(self, most: int) -> None:
        """At most so many."""
        self._most = self._left = most

    def take(self, count: int) -> int:
        """Room for so many, or for all that there may be; how many it is, to be given back.

        Raises Overloaded where others have it.
        """
        count = min(count, self._most)
        if count > self._left:
            raise Overloaded(retry_after=_COME_BACK_S)
        self._left -= count
        return count

    def give_back(self, count: int) -> None:
        """What was taken."""
        self._left += count


def gone(kind: str, after: str) -> BadRequest:
    """A page can't begin after what is not there: the list would seem to end."""
    return BadRequest(
        f"there is no {kind} {after[:128]!r} (any more): begin the list anew", param="after"
    )


class Filing:
    """The files of everybody, each seen by whose they are."""

    def __init__(
        self,
        books: BatchBooks,
        clock: Clock,
        *,
        retention: timedelta,
        max_bytes: int,
        max_stored_bytes: int,
    ) -> None:
        """`retention` is for files that nobody gave another time.

        `max_bytes` of a file, `max_stored_bytes` of what an organisation keeps.
        """
        self._books = books
        self._clock = clock
        self.retention = retention
        self.max_bytes = max_bytes
        #: For those that are uploaded, from before their first byte.
        self.room = Room(_UPLOADS * max_bytes)
        self._max_stored_bytes = max_stored_bytes
        #: Ids of files that were not there at the last look, and had pieces.
        self._lost: frozenset[str] = frozenset()

    async def add(self, upload: Upload, by: Principal) -> StoredFile:
        """Keep it. Raises BadRequest, LedgerUnavailable."""
        if upload.purpose != "batch":
            raise BadRequest("`purpose` must be `batch`", param="purpose")
        if len(upload.content) > self.max_bytes:
            raise BodyTooLarge(self.max_bytes, "[batch] max_file_bytes")
        await self.check_room(by.organisation, len(upload.content))
        now = self._clock.now()
        file = StoredFile(
            id=f"file_{secrets.token_hex(16)}",
            organisation=by.organisation,
            key=by.key,
            name=upload.name[:_LONGEST_NAME],
            purpose=upload.purpose,
            bytes=len(upload.content),
            created=now,
            expires=now + min(upload.expires_after or self.retention, self.retention),
        )
        try:
            for number, begin in enumerate(range(0, len(upload.content), _PIECE)):
                piece = upload.content[begin : begin + _PIECE]
                await self._books.put_piece(file.id, number, piece)
            await self._books.add_file(file)
        except BaseException:  # the client may have left
            with suppress(LedgerUnavailable):  # then `sweep` finds them
                await asyncio.shield(self._books.remove_pieces(file.id))
            raise
        return file

    async def check_room(self, organisation: str, more: int) -> None:
        """Raises BadRequest where it may not keep so many more bytes; LedgerUnavailable."""
        stored = await self._books.stored_bytes(organisation)
        if stored + more > self._max_stored_bytes:
            raise BadRequest(
                f"your organisation's files and unfinished batches take {stored} bytes of "
                f"{self._max_stored_bytes}, and this would be {more} more: delete files, or wait "
                "until batches end ([batch] max_stored_bytes)",
                code="storage_full",
            )

    async def sweep(self) -> None:
        """Remove the pieces of files that never came, as when a gateway was killed.

        Those without a file at two calls: wait longer in between than an upload lasts. Raises
        LedgerUnavailable.
        """
        lost = frozenset(await self._books.lost_pieces())
        for file_id in lost & self._lost:
            await self._books.remove_pieces(file_id)
        self._lost = lost

    async def list(self, page: Page, scope: Scope, purpose: str | None) -> Sequence[StoredFile]:
        """A page of the files in the scope. Raises BadRequest, LedgerUnavailable."""
        if page.after is not None and await self._books.file(page.after, scope) is None:
            raise gone("file", page.after)
        return await self._books.files(page, scope, purpose)

    async def get(self, file_id: str, scope: Scope) -> StoredFile:
        """Raises NotFound, LedgerUnavailable."""
        file = await self._books.file(file_id, scope)
        if file is None or (file.expires is not None and file.expires <= self._clock.now()):
            raise NotFound(f"there is no file {file_id[:128]!r}", param="file_id")
        return file

    async def remove(self, file_id: str, scope: Scope) -> None:
        """Forget it, content and all. Raises NotFound, LedgerUnavailable."""
        file = await self.get(file_id, scope)
        await self._books.remove_file(file.id, scope)

    async def forget(self, scope: Scope, before: datetime | None) -> int:
        """Remove all files in the scope, or those older than `before`; returns how many.

        What is left of batches goes with the last of their files. Raises LedgerUnavailable.
        """
        return await forget(self._books, scope, before)

    async def content(self, file: StoredFile) -> AsyncGenerator[bytes]:
        """Piece by piece. Raises LedgerUnavailable."""
        if file.batch is None:
            number = 0
            while (piece := await self._books.piece(file.id, number)) is not None:
                yield piece
                number += 1
            return
        batch = await self._books.batch(file.batch)
        ended = "expired" if batch is None else batch.status
        first = 0
        while rows := await self._books.lines(file.batch, file.part or "output", first, _PIECE):
            yield b"".join(written(file.batch, row, ended) for row in rows)
            first = rows[-1].number + 1


async def forget(books: BatchBooks, scope: Scope, before: datetime | None) -> int:
    """See `Filing.forget`; also for who has the books and no gateway."""
    forgotten, after = 0, None
    while files := await books.files(Page(_FILES, after), scope):
        old = [each for each in files if before is None or each.created < before]
        for each in old:
            forgotten += await books.remove_file(each.id, scope)
        kept = [each for each in files if each not in old]
        if len(files) < _FILES:
            break
        after = kept[-1].id if kept else after
    return forgotten
