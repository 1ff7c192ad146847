"""An embedder that is told what means the same: for demos and tests, without weights. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from pointsman.embedding.vectors import unit_vector
from pointsman.tokens import estimate_tokens
from pointsman.types import Alignment, Vector

_DIMENSIONS = 256  # at which unrelated texts have cosines of 0, give or take .06
_OWN_SHARE = 0.176  # of each text's own direction, so that cosines within a group are about .97
_WORD = re.compile(r"\w+")


class ScriptedEmbedder:
    """Texts of one group get near vectors, all others lie apart; the same each time."""

    name = "scripted"

    def __init__(self, groups: Sequence[Sequence[str]] = (), *, window: int = 256) -> None:
        """Each of `groups` holds texts that mean the same; `window` is in tokens, estimated."""
        self.window = window
        #: How often a text was embedded.
        self.asked = 0
        self._meanings = {text: group[0] for group in groups for text in group}

    async def embed(self, text: str) -> Vector | None:
        """The text's vector; None where it is longer than the window."""
        self.asked += 1
        if estimate_tokens(text) > self.window:
            return None
        meaning = _direction(self._meanings.get(text, text))
        own = _direction(f"own: {text}")
        return unit_vector(
            [m + _OWN_SHARE * o for m, o in zip(meaning, own, strict=True)], self.name
        )

    async def align(self, a: str, b: str) -> Alignment:
        """Each word with 1 where the other text has it as well, else 0."""
        words_a, words_b = _WORD.findall(a.lower()), _WORD.findall(b.lower())
        return Alignment(
            tuple((word, float(word in words_b)) for word in words_a),
            tuple((word, float(word in words_a)) for word in words_b),
        )


def _direction(text: str) -> list[float]:
    """Numbers around 0 that look like chance."""
    return [
        byte - 127.5
        for byte in hashlib.shake_256(text.encode(errors="surrogatepass")).digest(_DIMENSIONS)
    ]
