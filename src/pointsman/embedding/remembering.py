"""An embedder that need not be asked the same twice."""

from __future__ import annotations

from collections import OrderedDict

from pointsman.ports import Embedder
from pointsman.types import Alignment, Vector


class Remembering:
    """Another embedder's vectors, the last of them kept."""

    def __init__(self, embedder: Embedder, most: int = 20_000) -> None:
        """Keeps `most` of them: 30 MB of 384 dimensions."""
        self.name = embedder.name
        self.window = embedder.window
        self._embedder = embedder
        self._most = most
        self._kept: OrderedDict[str, Vector] = OrderedDict()

    async def embed(self, text: str) -> Vector | None:
        """See `ports.Embedder`."""
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        vector = await self._embedder.embed(text)
        if vector is not None:
            self._kept[text] = vector
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return vector

    async def align(self, a: str, b: str) -> Alignment | None:
        """See `ports.Embedder`."""
        return await self._embedder.align(a, b)
