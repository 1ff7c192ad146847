"""PLACEHOLDER by the founding engineer: the VERIFY helper overwrites this file."""

from __future__ import annotations

from pointsman.types import Alignment


class PairVerifier:
    threshold = 0.9
    floor = 0.7
    version = "0"
    embedder = "minilm-int8/1.0.0"

    @classmethod
    def parse(cls, text: str) -> PairVerifier:
        return cls()

    def probability(self, a: str, b: str, similarity: float, alignment: Alignment | None) -> float:
        return similarity
