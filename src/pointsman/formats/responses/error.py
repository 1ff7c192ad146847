"""Errors in the middle of a stream; those in a reply's place are chat's."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from pointsman.errors import PointsmanError
from pointsman.formats.chat.error import written
from pointsman.formats.responses.output import Frame
from pointsman.formats.responses.writer import event
from pointsman.formats.wire import Head
from pointsman.types import Json, ModelRequest

#: Events number from 0; how far a stream that broke had come is not known here, so its last events
#: have the greatest numbers that fit every client's integer.
_LAST_NUMBER = 2**31 - 1
_EPOCH = datetime.fromtimestamp(0, UTC)


def stream_end(error: PointsmanError, request_id: str) -> bytes:
    """The events that end a stream which broke.

    First `error`, which makes OpenAI's and Vercel's SDKs raise: flat, as the API's reference has it,
    and nested, as the API sends it and the Open Responses schema asks. Then `response.failed`, the
    only one that Codex knows; it takes the code from there.
    """
    told = written(error)
    frame = Frame(ModelRequest("", (), {}), Head(request_id, _EPOCH, ""))
    failure: Json = {"code": error.code or "server_error", "message": str(error)}
    flat: dict[str, Json | msgspec.Raw] = {
        "code": error.code,
        "message": str(error),
        "param": error.param,
        "error": told,
    }
    failed = {**frame.response("failed"), "error": failure}
    return event("error", _LAST_NUMBER - 1, flat) + event(
        "response.failed", _LAST_NUMBER, {"response": msgspec.Raw(msgspec.json.encode(failed))}
    )
