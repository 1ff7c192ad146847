"""Which words the prompts of a partition have, to rule out without an embedding that one is near.

Pure.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from math import log

#: Of a prompt's words, weighed by how rare they are, what a cached prompt must share to be
#: plausible. Of the paraphrases in `train/cache_pairs` that MiniLM puts at a cosine of .7 or more
#: it gives up 0.8 %, and it rules out 22 % of the prompts without a paraphrase (at .2: 2.9 and 47 %)
#: among 495 others.
SHARE = 0.15
#: Added to the number of prompts when words are weighed, for among few no word is rare.
_SMOOTHING = 1000
#: Prompts that one question looks at, some 0.05 us each. A word that more have is taken to be in
#: every prompt, which never makes an answer "no" that should be "yes".
_MOST = 2000


def weight(having: int, prompts: int) -> float:
    """What a word counts that so many of the prompts have: more than 0."""
    return log((prompts + _SMOOTHING) / (having + 1))


class WordIndex:
    """Prompts by their words, each partition for itself."""

    def __init__(self) -> None:
        """Without prompts."""
        self._partitions: dict[str, _Partition] = {}

    def add(self, partition: str, number: int, words: Iterable[int]) -> None:
        """Take in a prompt by the hashes of its words; its number is greater than any before."""
        self._partitions.setdefault(partition, _Partition()).add(number, words)

    def remove(self, partition: str, number: int, words: Iterable[int]) -> None:
        """Forget it; all as it was added."""
        if self._partitions[partition].remove(number, words) == 0:
            del self._partitions[partition]

    def plausible(self, partition: str, words: frozenset[int]) -> bool:
        """Whether a prompt of the partition has `SHARE` of these words; without any, all have."""
        here = self._partitions.get(partition)
        return here is not None and here.plausible(words)


class _Partition:
    def __init__(self) -> None:
        self._prompts = 0
        #: Who has a word, in ascending order.
        self._having: dict[int, array[int]] = {}
        #: How many have it, where they are too many to list.
        self._common: dict[int, int] = {}

    def add(self, number: int, words: Iterable[int]) -> None:
        self._prompts += 1
        for word in set(words):
            if word in self._common:
                self._common[word] += 1
                continue
            having = self._having.setdefault(word, array("Q"))
            having.append(number)
            if len(having) > _MOST:
                self._common[word] = len(self._having.pop(word))

    def remove(self, number: int, words: Iterable[int]) -> int:
        """Returns how many prompts are left."""
        self._prompts -= 1
        for word in set(words):
            if word in self._common:
                self._common[word] -= 1
                if not self._common[word]:
                    del self._common[word]
                continue
            having = self._having[word]
            having.pop(bisect_left(having, number))
            if not having:
                del self._having[word]
        return self._prompts

    def plausible(self, words: frozenset[int]) -> bool:
        having = {word: self._count(word) for word in words}
        missing = SHARE * sum(weight(count, self._prompts) for count in having.values())
        listed: dict[int, float] = {}
        looked_at = 0
        for word, count in sorted(having.items(), key=lambda each: each[1]):
            looked_at += count
            if word in self._common or looked_at > _MOST:
                missing -= weight(count, self._prompts)
            elif count:
                listed[word] = weight(count, self._prompts)
        return missing <= 0 or self._any_shares(listed, missing)

    def _any_shares(self, listed: Mapping[int, float], missing: float) -> bool:
        """Whether a prompt has so much of these words, given what each counts.

        Mostly it is known without a look at any prompt that none can: what is new in a text has no
        list, and the rest is too common to count for much.
        """
        if sum(listed.values()) < missing:
            return False
        shared: dict[int, float] = {}
        for word, counts in listed.items():
            for number in self._having[word]:
                shared[number] = shared.get(number, 0.0) + counts
        return max(shared.values(), default=0.0) >= missing

    def _count(self, word: int) -> int:
        return self._common[word] if word in self._common else len(self._having.get(word, ()))
