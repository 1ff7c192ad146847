"""Who is asking: a bearer token or `x-api-key`, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from pointsman.errors import AuthenticationFailed
from pointsman.types import Principal


class StaticKey:
    """One key for all callers, or none: then everybody is let in."""

    def __init__(self, key: str | None, origins: Collection[str] = ()) -> None:
        """Only the key's digest is kept. `origins` are web pages that may ask without one."""
        self._digest = None if key is None else _digest(key)
        self._origins = frozenset(origins)

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The principal behind a request's headers (names in lower case).

        Raises AuthenticationFailed where a key is set and the request's is missing or wrong, and, where
        none is set, for what a web page from elsewhere had a browser send.
        """
        if self._digest is None:
            if "*" not in self._origins and headers.get("origin") not in self._origins:
                _refuse_foreign_pages(headers)
            return Principal()
        sent = _sent(headers)
        if sent is None:
            raise AuthenticationFailed(
                "no API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
            )
        if not hmac.compare_digest(self._digest, _digest(sent)):
            raise AuthenticationFailed("the API key is wrong")
        return Principal(key="static")


def _refuse_foreign_pages(headers: Mapping[str, str]) -> None:
    """Without a key, only this machine may ask: no foreign page, under no borrowed name.

    A browser states the page's origin; a page that had its own name resolved to this machine
    (DNS rebinding) shows in the host.
    """
    origin = headers.get("origin")
    stated = [f"//{headers.get('host', 'localhost')}"] + ([] if origin is None else [origin])
    if not all(_is_this_machine(address) for address in stated):
        raise AuthenticationFailed(
            "a web page from elsewhere, or a host name that is not this machine's, may not ask "
            "without a key: set POINTSMAN_API_KEY"
        )


def _is_this_machine(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        named = host == "localhost" or host.endswith(".localhost")
        return named or ipaddress.ip_address(host).is_loopback
    except ValueError:  # neither an address nor one of our names
        return False


def _sent(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key") or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
