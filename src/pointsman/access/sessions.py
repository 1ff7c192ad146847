"""Who is signed in with a browser: a cookie stands for a key, as long as that is valid."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

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
#: Sessions that were heard of and did not come here yet; the oldest go first.
_MOST_HEARD = 10_000
_TOKEN_BYTES = 32
_READING = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class Session:
    """One browser that showed a key. It holds neither that nor its own cookie."""

    #: The digest of the key.
    digest: bytes
    #: What only our own page can read.
    csrf: str = field(repr=False)
    #: What says that it has ended has this digest.
    ends: bytes
    #: On the monotonic clock.
    used: float


class Told(msgspec.Struct, frozen=True):
    """What gateways tell each other of a session.

    Whoever hears it learns nothing, and whoever makes it up signs nobody in: only the cookie opens
    it, and what is in it is a key's digest. Nor out: only the cookie says how it ends.
    """

    #: The digest of the cookie.
    name: bytes
    #: The digest of the key, sealed; empty where the session has ended.
    sealed: bytes = b""
    #: The digest of what says that it has ended; where it has, that itself.
    ends: bytes = b""


class _Heard(msgspec.Struct, frozen=True):
    told: Told
    #: On the monotonic clock.
    at: float


class SignIns:
    """Sessions, in memory: of this process, and of those that tell it of theirs."""

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
        #: Likewise, the oldest first: nobody knows yet whose they are.
        self._heard: dict[bytes, _Heard] = {}
        #: Tells other gateways.
        self.tell: Callable[[Told], None] = _nobody_else

    def __len__(self) -> int:
        """Sessions that are remembered, those that were only heard of included."""
        return len(self._sessions) + len(self._heard)

    def heed(self, told: Told) -> None:
        """Another gateway has let somebody in, or out."""
        session, heard = self._sessions.get(told.name), self._heard.get(told.name)
        if told.sealed:
            if session is None and heard is None:
                self._heard[told.name] = _Heard(told, self._clock.monotonic())
                self._forget_heard()
            return
        ends = session.ends if session else heard.told.ends if heard else b""
        if hmac.compare_digest(keys.digest(told.ends), ends):
            self._forget(told.name)

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
        self._forget_heard()
        if (heard := self._heard.get(name)) is not None:
            session = _session(token, _xor(heard.told.sealed, _derived(token, "key")), now)
            if self._is_alive(session, now):  # else its key may be news yet
                del self._heard[name]
                self._add(name, session)
        found = self._sessions.get(name)
        if found is not None and not self._is_alive(found, now):
            self._forget(name)
            return None
        return found

    def begin(self, key: str) -> tuple[str, Session]:
        """A new session and its cookie's value. Raises AuthenticationFailed."""
        digest = keys.digest(key.encode("utf-8", "backslashreplace"))
        self._ring.holder(digest)
        token = _text(self._random(_TOKEN_BYTES))
        name, session = keys.digest(token), _session(token, digest, self._clock.monotonic())
        self._add(name, session)
        self.tell(Told(name, _xor(digest, _derived(token, "key")), session.ends))
        return token, session

    def end(self, headers: Mapping[str, str]) -> None:
        """Forget the session of a request's cookie. Idempotent."""
        token = _cookie(headers)
        if token is not None:
            name = keys.digest(token)
            self._forget(name)
            self.tell(Told(name, ends=_derived(token, "ends")))

    def _add(self, name: bytes, session: Session) -> None:
        """Of one key, only so many stay."""
        self._sessions = {
            each: other
            for each, other in self._sessions.items()
            if self._is_alive(other, session.used)
        }
        own = [name for name, each in self._sessions.items() if each.digest == session.digest]
        own.sort(key=lambda name: self._sessions[name].used)
        for each in own[: max(0, len(own) - MOST_PER_KEY + 1)]:
            del self._sessions[each]
        self._sessions[name] = session

    def _forget(self, name: bytes) -> None:
        self._sessions.pop(name, None)
        self._heard.pop(name, None)

    def _forget_heard(self) -> None:
        """Those that nobody came with."""
        oldest = self._clock.monotonic() - IDLE_S
        while self._heard:
            name, heard = next(iter(self._heard.items()))
            if len(self._heard) <= _MOST_HEARD and heard.at >= oldest:
                return
            del self._heard[name]

    def _is_alive(self, session: Session, now: float) -> bool:
        if now - session.used > IDLE_S:
            return False
        try:
            self._ring.holder(session.digest)
        except AuthenticationFailed:
            return False
        return True


def _nobody_else(_told: Told) -> None:
    """There is no other gateway."""


def _session(token: str, digest: bytes, now: float) -> Session:
    """The same at every gateway, from the cookie's value."""
    ends = keys.digest(_derived(token, "ends"))
    return Session(digest, _text(_derived(token, "csrf")), ends, now)


def _derived(token: str, what: str) -> bytes:
    """As long as a digest, and known to nobody without the cookie's value."""
    return hmac.digest(token.encode("utf-8", "surrogateescape"), what.encode(), hashlib.sha256)


def _xor(some: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(some, other, strict=False))


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


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
