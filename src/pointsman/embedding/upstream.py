"""Embeds by a deployment that answers `/v1/embeddings`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from pointsman.embedding.vectors import unit_vector
from pointsman.errors import CacheUnavailable, PointsmanError
from pointsman.tokens import estimate_tokens
from pointsman.types import Alignment, Vector

#: Gives the embedding of each text.
Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]


class UpstreamEmbedder:
    """Vectors of a deployment's model. What it costs and how often it is asked is the asker's."""

    def __init__(self, ask: Ask, *, deployment: str, model: str, window: int) -> None:
        """`ask` reaches the deployment; `window` is in tokens, as they are estimated here."""
        self.name = f"{deployment}/{model}"
        self.window = window
        self._ask = ask

    async def embed(self, text: str) -> Vector | None:
        """The text's embedding, at length 1; None where it is longer than the window.

        Raises CacheUnavailable.
        """
        if estimate_tokens(text) > self.window:
            return None
        try:
            (values,) = await self._ask([text])
            return unit_vector(values, self.name)
        except (PointsmanError, OSError, ValueError) as error:
            raise CacheUnavailable(f"the embedder {self.name} failed: {error}") from error

    async def align(self, _a: str, _b: str) -> Alignment | None:
        """None: an upstream gives one vector for a whole text."""
        return None
