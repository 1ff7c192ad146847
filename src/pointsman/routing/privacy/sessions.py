"""What lets somebody in for a while: cookies of sessions, signed addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.routing.privacy.values import is_token
from pointsman.routing.privacy.view import Span, View

_COOKIE = "cookie:"
#: Characters of a header that are read.
_LONGEST_HEADER = 4_096
#: What a cookie is called that says who is signed in; of one called otherwise nothing is known.
_SESSION = re.compile(
    r"(?<![\w.-])[\w.-]{0,40}?(?:sess|sid|auth|token|jwt|login|remember)[\w.-]{0,40}=\"?"
    r"(?P<value>[^\s;,\"']{16,2048}+)"
)
_SIGNED = "sig="
#: A shared access signature of Azure's, of which `sv` (its version) is a part, too.
_SIGNATURE = re.compile(r"[?&;]sig=(?P<value>[a-z0-9+/%]{43,128}+)")
_VERSION = re.compile(r"[?&;]sv=\d{4}-\d\d-\d\d")
#: Characters before and behind a signature in which its version is looked for.
_NEAR = 400


def find_cookies(view: View) -> Iterator[Span]:
    """Values that a `Cookie:` or `Set-Cookie:` header has for a session, and that spell nothing."""
    low = view.low
    place = low.find(_COOKIE)
    while place >= 0:
        begin = place + len(_COOKIE)
        line = low.find("\n", begin, begin + _LONGEST_HEADER)
        end = line if line >= 0 else begin + _LONGEST_HEADER
        for found in _SESSION.finditer(low, begin, end):
            if is_token(view.text[slice(*found.span("value"))]):
                yield found.span("value")
        place = low.find(_COOKIE, end)


def find_signatures(view: View) -> Iterator[Span]:
    """Signatures of addresses that give access to storage."""
    if _SIGNED not in view.low:
        return
    for found in _SIGNATURE.finditer(view.low):
        start, end = found.span()
        if _VERSION.search(view.low, max(0, start - _NEAR), end + _NEAR):
            yield found.span("value")
