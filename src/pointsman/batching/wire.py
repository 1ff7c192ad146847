"""Files and batches as OpenAI's clients have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from pointsman.errors import BadRequest
from pointsman.types import Batch, BatchCounts, Json, StoredFile

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_WINDOW = re.compile(r"^([1-9]\d{0,5})([smhd])$")
_MOST_METADATA = 16
_TERMINAL = ("completed", "failed", "expired", "cancelled")


class ExpiresAfter(msgspec.Struct):
    """When a file is forgotten."""

    anchor: Literal["created_at"]
    #: From an hour to thirty days.
    seconds: Annotated[int, msgspec.Meta(ge=3600, le=2_592_000)]


class NewBatch(msgspec.Struct):
    """A batch as a client asks for it."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: (
        dict[
            Annotated[str, msgspec.Meta(max_length=64)],
            Annotated[str, msgspec.Meta(max_length=512)],
        ]
        | None
    ) = None
    output_expires_after: ExpiresAfter | None = None


def window(text: str, longest: timedelta) -> timedelta:
    """`24h` as a time. Raises BadRequest."""
    found = _WINDOW.match(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= longest:
        hours = longest / timedelta(hours=1)
        raise BadRequest(
            f"`completion_window` is a time such as `24h`, at most {hours:g}h",
            param="completion_window",
        )
    return length


def check_metadata(wish: NewBatch) -> None:
    """Raises BadRequest for too many."""
    if wish.metadata is not None and len(wish.metadata) > _MOST_METADATA:
        raise BadRequest(f"`metadata` has at most {_MOST_METADATA} members", param="metadata")


def file_view(file: StoredFile) -> dict[str, Json]:
    """OpenAI's File object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": _seconds(file.created),
        "expires_at": _seconds(file.expires),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def batch_view(batch: Batch, counts: BatchCounts | None = None) -> dict[str, Json]:
    """OpenAI's Batch object; `counts` of one that has not ended."""
    counts = counts or BatchCounts(batch.completed, batch.failed)
    ended = {f"{each}_at": _seconds(batch.ended, batch.status == each) for each in _TERMINAL}
    errors: dict[str, Json] = {
        "object": "list",
        "data": [
            {"code": each.code, "message": each.message, "line": each.line, "param": each.param}
            for each in batch.errors
        ],
    }
    metadata: dict[str, Json] | None = None if batch.metadata is None else {**batch.metadata}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors if batch.errors else None,
        "input_file_id": batch.input_file,
        "completion_window": batch.window,
        "status": batch.status,
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "created_at": _seconds(batch.created),
        "in_progress_at": _seconds(batch.validated),
        "expires_at": _seconds(batch.expires),
        "finalizing_at": _seconds(batch.finalizing),
        "cancelling_at": _seconds(batch.cancelled),
        **ended,
        "request_counts": {
            "total": batch.total,
            "completed": counts.completed,
            "failed": counts.failed,
        },
        "metadata": metadata,
    }


def page_view(found: Sequence[Mapping[str, Json]], limit: int) -> dict[str, Json]:
    """A page of at most `limit` of them, where one more than that was looked for."""
    data: list[Json] = [dict(each) for each in found[:limit]]
    ids = [each["id"] for each in found[:limit]]
    return {
        "object": "list",
        "data": data,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": len(found) > limit,
    }


def _seconds(at: datetime | None, if_so: bool = True) -> int | None:  # noqa: FBT001, FBT002
    return int(at.timestamp()) if at is not None and if_so else None
