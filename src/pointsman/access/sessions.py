"""Who is signed in with a browser: a cookie stands for a key, as long as that is valid."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pointsman.access import keys
from pointsman.access.authenticate import refuse_other_pages, shown_key
from pointsman.access.keyring import KeyRing
from pointsman.errors import AuthenticationFailed, Forbidden
from pointsman.ports import Clock
from pointsman.types import Principal

_COOKIE = "pointsman-session"
#: What a request that changes something must carry besides the cookie.
CSRF_HEADER = "x-pointsman-csrf"
#: Seconds without a request after which a session ends.
IDLE_S = 8 * 3600.0
#: Sessions that one key may have; another one ends the one that was not used for longest.
MOST_PER_KEY = 16
_TOKEN_BYTES = 32
_READING = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class Session:
    """One browser that showed a key. It holds neither that nor its own cookie."""

    #: The digest of the key.
    digest: bytes
    #: What only our own page can read.
    csrf: str = field(repr=False)
    #: On the monotonic clock.
    used: float


class SignIns:
    """The sessions of this process, in memory: they end with it."""

    def __init__(
        self,
        ring: KeyRing,
        clock: Clock,
        *,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """A session is worth what the ring says of its key, at each request."""
        self._ring = ring
        self._clock = clock
        self._random = random
        #: By the digest of the cookie.
        self._sessions: dict[bytes, Session] = {}

    def still_in(self, headers: Mapping[str, str]) -> Principal:
        """The principal behind a request that goes on: that is no sign of somebody who is there.

        Raises AuthenticationFailed.
        """
        session = self._found(headers)
        return (
            self._ring.authenticate(headers)
            if session is None
            else self._ring.holder(session.digest)
        )

    def authenticate(self, method: str, headers: Mapping[str, str]) -> Principal:
        """The principal behind a request's headers (names in lower case): a key goes before a cookie.

        Raises AuthenticationFailed as the ring does, and Forbidden for a request with the cookie
        that another page may have made a browser send.
        """
        session = self.session(headers)
        if session is None:
            return self._ring.authenticate(headers)
        refuse_other_pages(headers, silent=method in _READING)
        if method not in _READING:
            _check_token(headers.get(CSRF_HEADER, ""), session.csrf)
        return self._ring.holder(session.digest)

    def session(self, headers: Mapping[str, str]) -> Session | None:
        """The session that lets a request in; None where there is none, or something else does."""
        session = self._found(headers)
        if session is not None:
            session.used = self._clock.monotonic()
        return session

    def _found(self, headers: Mapping[str, str]) -> Session | None:
        token = _cookie(headers)
        if token is None or self._ring.lets_anybody_in or shown_key(headers) is not None:
            return None
        now, name = self._clock.monotonic(), keys.digest(token)
        session = self._sessions.get(name)
        if session is None:
            return None
        if not self._is_alive(session, now):
            del self._sessions[name]
            return None
        return session

    def begin(self, key: str) -> tuple[str, Session]:
        """A new session and its cookie's value. Raises AuthenticationFailed."""
        digest = keys.digest(key.encode("utf-8", "backslashreplace"))
        self._ring.holder(digest)
        now = self._clock.monotonic()
        self._sessions = {
            name: each for name, each in self._sessions.items() if self._is_alive(each, now)
        }
        own = [name for name, each in self._sessions.items() if each.digest == digest]
        own.sort(key=lambda name: self._sessions[name].used)
        for name in own[: max(0, len(own) - MOST_PER_KEY + 1)]:
            del self._sessions[name]
        token, session = self._text(), Session(digest, self._text(), now)
        self._sessions[keys.digest(token)] = session
        return token, session

    def end(self, headers: Mapping[str, str]) -> None:
        """Forget the session of a request's cookie. Idempotent."""
        token = _cookie(headers)
        if token is not None:
            self._sessions.pop(keys.digest(token), None)

    def _is_alive(self, session: Session, now: float) -> bool:
        if now - session.used > IDLE_S:
            return False
        try:
            self._ring.holder(session.digest)
        except AuthenticationFailed:
            return False
        return True

    def _text(self) -> str:
        return base64.urlsafe_b64encode(self._random(_TOKEN_BYTES)).decode().rstrip("=")


def cookie_name(headers: Mapping[str, str]) -> str:
    """A cookie is sent to all ports of a host: two gateways there must not take each other's."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"{_COOKIE}-{port}" if port.isdecimal() else _COOKIE


def _cookie(headers: Mapping[str, str]) -> str | None:
    """The cookie's value; None where there is none, or several, of which one was slipped in."""
    ours = cookie_name(headers)
    pairs = (each.strip().partition("=") for each in headers.get("cookie", "").split(";"))
    values = [value for name, _, value in pairs if name == ours and value]
    return values[0] if len(values) == 1 else None


def _check_token(shown: str, csrf: str) -> None:
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), csrf.encode()):
        raise Forbidden(
            f"a request with a session's cookie must carry the session's `{CSRF_HEADER}`: "
            "GET /dashboard/session says it"
        )
