"""What no log shows: the secrets in use, and whatever looks like a key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

#: Characters from which a secret is looked for: a shorter one is in every other word.
_SHORTEST = 6
#: Keys of gateways, and whatever stands where a key does.
_LIKE_KEYS = re.compile(r"pm_[a-z2-7]{8}_[A-Za-z0-9_-]+|(?<=[Bb]earer )[^\s\"',;]+")
_STANDS_FOR_IT = "***"


class Hidden:
    """Puts stars in the place of secrets. Those in use before may still be spoken of: they, too."""

    def __init__(self) -> None:
        """None yet."""
        self._now: frozenset[str] = frozenset()
        self._before: frozenset[str] = frozenset()
        #: By their first characters, the longest first: thousands of them are looked for at once.
        self._beginning: dict[str, list[str]] = {}

    def hide(self, secrets: Iterable[str]) -> None:
        """These are in use from now on, as they are and as JSON writes them."""
        long = {each for each in secrets if len(each) >= _SHORTEST}
        now = frozenset(long | {json.dumps(each)[1:-1] for each in long})
        if now == self._now:
            return
        self._before, self._now = self._now, now
        beginning: dict[str, list[str]] = {}
        for each in sorted(self._before | now, key=len, reverse=True):
            beginning.setdefault(each[:_SHORTEST], []).append(each)
        self._beginning = beginning

    def covered(self, text: str) -> str:
        """The text without them."""
        kept: list[str] = []
        begin = at = 0
        while at <= len(text) - _SHORTEST:
            candidates = self._beginning.get(text[at : at + _SHORTEST], ())
            found = next((each for each in candidates if text.startswith(each, at)), None)
            if found is None:
                at += 1
            else:
                kept += text[begin:at], _STANDS_FOR_IT
                begin = at = at + len(found)
        return _LIKE_KEYS.sub(_STANDS_FOR_IT, "".join((*kept, text[begin:])))
