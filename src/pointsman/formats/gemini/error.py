"""Google's errors: `{"error": {code, message, status, details: [...]}}`, in a list or alone."""

from __future__ import annotations

import msgspec

from pointsman.formats.wire import Fault


class _Violation(msgspec.Struct):
    field: str | None = None


class _Detail(msgspec.Struct, rename="camel"):
    retry_delay: str | None = None
    field_violations: list[_Violation] | None = None


class _Error(msgspec.Struct):
    message: str = ""
    status: str | None = None
    details: list[_Detail] | None = None


class _Body(msgspec.Struct):
    error: _Error


_ALONE = msgspec.json.Decoder(_Body)
_LISTED = msgspec.json.Decoder(list[_Body])


def fault(body: bytes) -> Fault:
    """What an error's body says: its status word (`RESOURCE_EXHAUSTED`) is the code.

    Empty where it is not in Google's shape. Streams that fail at once answer a list of one.
    """
    error = _error(body)
    if error is None:
        return Fault()
    violations = [each for detail in error.details or () for each in detail.field_violations or ()]
    fields = [each.field for each in violations]
    return Fault(
        error.message,
        code=error.status,
        param=next(filter(None, fields), None),
        retry_after=retry_after(body),
    )


def retry_after(body: bytes) -> float | None:
    """Seconds to wait, as an error's `RetryInfo` says (`"retryDelay": "39.5s"`); None where none.

    Google says it in the body; its quota errors (429) carry no `Retry-After` header.
    """
    error = _error(body)
    delays = [detail.retry_delay for detail in (error and error.details) or ()]
    said = next(filter(None, delays), "")
    try:
        return max(0.0, float(said.removesuffix("s")))
    except ValueError:
        return None


def _error(body: bytes) -> _Error | None:
    try:
        if body.lstrip().startswith(b"["):
            return next((each.error for each in _LISTED.decode(body)), None)
        return _ALONE.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
