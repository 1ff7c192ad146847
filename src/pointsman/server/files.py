"""`/v1/files`: what batches read and write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import timedelta

import msgspec

from pointsman.access.permissions import scope_of
from pointsman.batching.filing import Upload
from pointsman.batching.wire import ExpiresAfter, file_view, page_view
from pointsman.errors import BadRequest
from pointsman.ports import Page
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json, stated_length
from pointsman.server.multipart import Part, parse
from pointsman.server.query import check_names, number_of
from pointsman.types import Outcome

_LONGEST_PAGE = 10_000
_USUAL_PAGE = 1000
_ORDERS = {"asc": True, "desc": False}


async def create(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Upload a file for a batch: a form with `purpose`, `batch`, and `file`, one request on each line."""
    upload = await asyncio.to_thread(_read, incoming)
    return as_json(file_view(await gateway.batching.files.add(upload, incoming.principal)))


def take_room(gateway: Gateway, headers: Mapping[str, str], most: int) -> int:
    """Room for a file of at most so many bytes, before any is read: see `Room.take`.

    Raises BadRequest, Overloaded.
    """
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        message = "send files as they are, without a content-encoding"
        error = BadRequest(message, code="unsupported_encoding")
        error.status = 415
        raise error
    return gateway.batching.files.room.take(min(stated_length(headers, most), most))


def _read(incoming: Incoming) -> Upload:
    form = parse(incoming.headers.get("content-type", ""), incoming.body)
    file, purpose = form.get("file"), form.get("purpose")
    if file is None or file.filename is None:
        raise BadRequest("`file` is missing", param="file")
    return Upload(
        name=file.filename,
        purpose="" if purpose is None else purpose.content.decode("utf-8", "replace"),
        content=file.content,
        expires_after=_expires_after(form),
    )


async def listed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Files, the newest first. `?limit=`; `?after=` the id of the last one of the page before; `?order=` asc or desc; `?purpose=`."""
    query = incoming.query
    check_names(query, ("limit", "after", "order", "purpose"))
    order = query.get("order", "desc")
    if order not in _ORDERS:
        raise BadRequest("`order` is `asc` or `desc`", param="order")
    limit = number_of(query, "limit", usual=_USUAL_PAGE, most=_LONGEST_PAGE)
    page = Page(limit + 1, query.get("after"), _ORDERS[order])
    scope = scope_of(incoming.principal)
    found = await gateway.batching.files.list(page, scope, query.get("purpose"))
    return as_json(page_view([file_view(each) for each in found], limit))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One file."""
    scope = scope_of(incoming.principal)
    return as_json(
        file_view(await gateway.batching.files.get(incoming.parameters["file_id"], scope))
    )


async def delete(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Delete a file and what is in it."""
    file_id = incoming.parameters["file_id"]
    await gateway.batching.files.remove(file_id, scope_of(incoming.principal))
    return as_json({"id": file_id, "object": "file", "deleted": True})


async def content(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What is in a file."""
    files = gateway.batching.files
    file = await files.get(incoming.parameters["file_id"], scope_of(incoming.principal))
    return Outgoing(200, _Content(files.content(file)), "application/octet-stream")


def _expires_after(form: Mapping[str, Part]) -> timedelta | None:
    """As the official clients say it in a form: `expires_after[anchor]`, `expires_after[seconds]`."""
    given = {
        name: form[f"expires_after[{name}]"].content.decode("utf-8", "replace")
        for name in ("anchor", "seconds")
        if f"expires_after[{name}]" in form
    }
    if not given:
        return None
    try:
        said = msgspec.convert(given, ExpiresAfter, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"`expires_after`: {error}", param="expires_after") from None
    return timedelta(seconds=said.seconds)


class _Content:
    """A file as it is read."""

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def close(self, outcome: Outcome = "client_left") -> bytes:
        """Read no further."""
        del outcome
        await self._pieces.aclose()
        return b""
