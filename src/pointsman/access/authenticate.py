"""Who is asking: a bearer token or `x-api-key`, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from pointsman.errors import AuthenticationFailed
from pointsman.types import Principal


class StaticKey:
    """One key for all callers, or none: then everybody is let in."""

    def __init__(self, key: str | None) -> None:
        """Only the key's digest is kept."""
        self._digest = None if key is None else _digest(key)

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The principal behind a request's headers (names in lower case).

        Raises AuthenticationFailed where a key is set and the request's is missing or wrong.
        """
        if self._digest is None:
            return Principal()
        sent = _sent(headers)
        if sent is None:
            raise AuthenticationFailed(
                "no API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
            )
        if not hmac.compare_digest(self._digest, _digest(sent)):
            raise AuthenticationFailed("the API key is wrong")
        return Principal(key="static")


def _sent(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key") or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
