"""Which words the prompts of a partition have, to rule out without an embedding that one is near.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: A word is common, and says nothing, where more than this share of the prompts have it ...
COMMON_SHARE = 0.05
#: ... and more prompts than this: among few, any shared word may be the one that matters.
COMMON_COUNT = 50


def is_plausible(words: frozenset[int], having: Mapping[int, int], prompts: int) -> bool:
    """Whether one of `prompts` may mean what a prompt with these words does.

    `having` says how many of them have a word. One rarer word in common is enough; a prompt of
    nothing but common words is always plausible. Both are cheap, and never wrong on "no" as long
    as prompts that mean the same share a word that is not everywhere.
    """
    common = max(COMMON_SHARE * prompts, COMMON_COUNT)
    counts = [having.get(word, 0) for word in words]
    return prompts > 0 and (
        any(0 < count <= common for count in counts) or all(count > common for count in counts)
    )


class WordCounts:
    """How many prompts of each partition have a word."""

    def __init__(self) -> None:
        """Of no prompts."""
        self._having: dict[str, dict[int, int]] = {}
        self._prompts: dict[str, int] = {}

    def add(self, partition: str, words: Iterable[int]) -> None:
        """Count one prompt's words, each once."""
        having = self._having.setdefault(partition, {})
        self._prompts[partition] = self._prompts.get(partition, 0) + 1
        for word in words:
            having[word] = having.get(word, 0) + 1

    def remove(self, partition: str, words: Iterable[int]) -> None:
        """Count it no more; `words` as they were added."""
        self._prompts[partition] -= 1
        if not self._prompts[partition]:
            del self._prompts[partition], self._having[partition]
            return
        having = self._having[partition]
        for word in words:
            if having[word] == 1:
                del having[word]
            else:
                having[word] -= 1

    def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """See `is_plausible`."""
        return is_plausible(words, self._having.get(partition, {}), self._prompts.get(partition, 0))
