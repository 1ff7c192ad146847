"""Errors in Anthropic's shape."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.errors import Inexpressible, PointsmanError
from pointsman.formats.wire import Fault
from pointsman.types import Json

#: Anthropic's documentation of its errors, and the types of its SDK.
_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_FIRST_SERVER_ERROR = 500
#: By this the SDK's tool runner knows to send the request again without a thread (anthropic 2.12).
_NO_THREADS: Json = {"error_code": "thread_unsupported_request"}


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Error | str


_BODY = msgspec.json.Decoder(_Body)


def body(error: PointsmanError, request_id: str) -> bytes:
    """The body of an error reply."""
    kind = _TYPES.get(error.status) or (
        "api_error" if error.status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    )
    said: dict[str, Json] = {"type": kind, "message": str(error)}
    if error.code == Inexpressible.code and "`thread`" in str(error):
        said["details"] = _NO_THREADS
    return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id})


def stream_event(error: PointsmanError, request_id: str) -> bytes:
    """The event that ends a stream which broke; no `message_stop` follows it."""
    return b"event: error\ndata: " + body(error, request_id) + b"\n\n"


def fault(body: bytes) -> Fault:
    """What an upstream's error says; empty where it is not in this format."""
    try:
        error = _BODY.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Fault()
    if isinstance(error, str):
        return Fault(error)
    return Fault(error.message or "", error.type)
