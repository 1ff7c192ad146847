"""What `cache.py` asks: prompts of `train/cache_pairs`, and new ones made of their parts."""

import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pointsman.cache.eligible import turn_objection
from pointsman.cache.words import STOP
from pointsman.embedding.wordpiece import UNKNOWN, WordPieces

PAIRS = Path(__file__).parents[1] / "train" / "cache_pairs"
#: Word pieces of a prompt that is embedded.
LEAST, MOST = 24, 32


@dataclass(frozen=True)
class Family:
    """A prompt, others that mean the same, and others that nearly do."""

    base: str
    same: tuple[str, ...]
    other: tuple[str, ...]


class Prompts:
    """Families, and endlessly many single prompts; the same ones in each run."""

    def __init__(self, weights: Path) -> None:
        """`weights` is the folder of MiniLM's."""
        tokenizer = json.loads((weights / "tokenizer.json").read_bytes())
        self._pieces = WordPieces(tokenizer["model"]["vocab"])
        self._chance = random.Random(5)  # noqa: S311 - the same prompts in each run
        rows = [json.loads(line) for file in sorted(PAIRS.glob("*.jsonl")) for line in file.open()]
        read = [Family(row["base"], (*row["same"],), (*_texts(row["other"]),)) for row in rows]
        self.families = [family for family in read if self._fits(family.base, least=0)]
        self._chance.shuffle(self.families)
        self._bases = [family.base.split() for family in self.families]
        texts = [text for each in self.families for text in (each.base, *each.same, *each.other)]
        self._words = [word for text in texts for word in text.split() if word.lower() not in STOP]

    def suits(self, text: str) -> bool:
        """Whether the semantic tier takes it, and it has no more pieces than `MOST`."""
        return self._fits(text, least=0)

    def fresh(self) -> str:
        """A prompt that nobody asked before: the first half of one and the second of another."""
        while True:
            one, other = self._chance.sample(self._bases, 2)
            text = " ".join(one[: len(one) // 2] + other[len(other) // 2 :])
            if self._fits(text, least=LEAST):
                return text

    def unlike(self) -> str:
        """A prompt whose words nobody has used; three that many have, as in any text."""
        while True:
            made_up = ["".join(self._chance.choices(string.ascii_lowercase, k=7)) for _ in range(8)]
            text = " ".join(made_up + self._chance.choices(self._words, k=3))
            if not turn_objection(text):
                return text

    def of_the_moment(self) -> str:
        """A prompt whose answer is true for a while only."""
        return f"{self.fresh()} As of today."

    def turn(self) -> str:
        """Words that somebody might have asked, as rare and as common as in the families."""
        return " ".join(self._chance.choices(self._words, k=self._chance.randint(4, 10)))

    def _fits(self, text: str, *, least: int) -> bool:
        if turn_objection(text):
            return False
        pieces = self._pieces.split(text)
        return least <= len(pieces) <= MOST and UNKNOWN not in pieces


def _texts(edits: list[dict[str, str]]) -> Iterator[str]:
    return (edit["text"] for edit in edits)
