"""Sessions: which requests belong together, and where each session was served last. Pure.

Whoever changes the model in mid-conversation pays for the whole prompt again, since it is in no
cache of the new one, and may lose what only the old one understands (its signed thoughts).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from pointsman.types import ModelRequest, Principal, Stay

#: Headers that name a conversation, by lower-case name. In this order.
HEADERS = (
    "x-session-id",  # opencode
    "x-claude-code-session-id",
    "x-session-affinity",  # opencode
    "session-id",  # Codex
    "session_id",
    "thread-id",
    "x-openwebui-chat-id",  # with ENABLE_FORWARD_USER_INFO_HEADERS
)
#: A name is at most so long; a longer one is replaced by its hash.
LONGEST_NAME = 128

_DERIVED = "derived:"
#: Members by which a client tells its end users apart (OpenAI's).
_USER_MEMBERS = ("user", "safety_identifier")
_TOOL_ROLES = frozenset({"tool", "function"})


def session_of(request: ModelRequest, headers: Mapping[str, str]) -> str | None:
    """The session that a request belongs to: ASCII, bounded; None where it has no user turn.

    Where no header names it, it is derived from the beginning of the conversation, which all its
    requests share, together with what the body says of it. A `prompt_cache_key` alone would not
    do: it names a prompt, and many conversations may have the same.
    """
    names = (headers.get(name, "").strip() for name in HEADERS)
    name = next(filter(None, names), None)
    return _bounded(name) if name else _derived(request)


def is_named(session: str) -> bool:
    """Whether the client named it, so that its requests are known to be of one conversation."""
    return not session.startswith(_DERIVED)


def is_sticky(request: ModelRequest, session: str) -> bool:
    """Whether the request goes where its session is.

    Not at the beginning of a session that is only derived: two people who open with the same
    words begin two conversations.
    """
    if is_named(session):
        return True
    return in_tool_loop(request) or sum(turn.role == "user" for turn in request.turns) > 1


def in_tool_loop(request: ModelRequest) -> bool:
    """Whether the model waits for its tools, so that no other model can go on."""
    return bool(request.turns) and request.turns[-1].role in _TOOL_ROLES


class Sessions:
    """Where each session was served last, for as long as its provider's cache is likely warm.

    Per organisation and key; the session unused for longest is forgotten first. Times are monotonic
    seconds, handed in.
    """

    def __init__(self, tiers: Sequence[str], ttl_s: float = 600.0, most: int = 10_000) -> None:
        """`tiers`, the lowest first; each session for `ttl_s` after its last request, `most` of them.

        Anthropic keeps a prompt for 5 minutes after its last use, OpenAI for 5 to 10 or longer (the
        providers' pages on prompt caching).
        """
        self._tiers = tuple(tiers)
        self._ttl_s = ttl_s
        self._most = most
        self._stays: OrderedDict[tuple[str, str, str], tuple[Stay, float]] = OrderedDict()

    def get(self, principal: Principal, session: str, now: float) -> Stay | None:
        """Where it was served last; None where that is unknown or too long ago."""
        stay, until = self._stays.get(_key(principal, session), (None, now))
        return stay if now < until else None

    def put(self, principal: Principal, session: str, stay: Stay, now: float) -> None:
        """It was served here now.

        A lower tier than before (a title for the conversation, a fallback) does not lower it.
        """
        before = self.get(principal, session, now)
        if before is not None and self._tiers.index(before.tier) > self._tiers.index(stay.tier):
            stay = before
        key = _key(principal, session)
        self._stays[key] = (stay, now + self._ttl_s)
        self._stays.move_to_end(key)
        if len(self._stays) > self._most:
            self._stays.popitem(last=False)


def _key(principal: Principal, session: str) -> tuple[str, str, str]:
    return principal.organisation, principal.key, session


def _bounded(name: str) -> str:
    fits = len(name) <= LONGEST_NAME and name.isascii() and name.isprintable()
    return name if fits else f"sha256:{hashlib.sha256(_bytes(name)).hexdigest()}"


def _derived(request: ModelRequest) -> str | None:
    """By all up to and with the first user turn, and by whom the client says it speaks for."""
    roles = [turn.role for turn in request.turns]
    if "user" not in roles:
        return None
    parts = [_bytes(request.session or "")]
    parts += [request.members.get(name, b"") for name in _USER_MEMBERS]
    for turn in request.turns[: roles.index("user") + 1]:
        parts += [turn.role.encode(), _bytes(turn.text)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return f"{_DERIVED}{digest.hexdigest()}"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
