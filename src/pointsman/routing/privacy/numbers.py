"""Numbers written in groups, and the runs of groups that may be one value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

#: Between two groups of one number: at most three signs, line breaks and tabs among them. One
#: digit first: an engine that knows the first character skips all others.
_RUN = re.compile(r"[0-9][0-9]*+(?:[ \t\r\n\-./()_]{1,3}[0-9]++)*+")
_GROUP = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_UUID_LENGTH = 36
_MOST_GROUPS = 20


class Number(msgspec.Struct, frozen=True):
    """Neighbouring groups of digits, read as one number."""

    text: str
    #: Where each group lies in `text`.
    groups: tuple[tuple[int, int], ...]
    #: The signs between the groups.
    signs: tuple[str, ...]

    @property
    def start(self) -> int:
        """Where it begins in `text`."""
        return self.groups[0][0]

    @property
    def end(self) -> int:
        """Where it ends in `text`."""
        return self.groups[-1][1]

    @property
    def digits(self) -> str:
        """Its digits alone."""
        return "".join(self.text[a:b] for a, b in self.groups)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many digits each group has."""
        return tuple(b - a for a, b in self.groups)

    @property
    def stands_alone(self) -> bool:
        """Not part of a word, a fraction or a UUID."""
        before = self.text[max(0, self.start - 2) : self.start]
        after = self.text[self.end : self.end + 2]
        if before[-1:].isascii() and (before[-1:].isalpha() or before[-1:] == "_"):
            return False
        if after[:1].isascii() and (after[:1].isalpha() or after[:1] == "_"):
            return False
        if len(self.groups) == 1:
            if before[-1:] == "." and before[:1].isdigit():
                return False
            if after[:1] == "." and after[1:].isdigit():
                return False
        around = self.text[max(0, self.start - _UUID_LENGTH) : self.end + _UUID_LENGTH]
        return not (self.text[self.start - 1 : self.start] == "-" and _UUID.search(around))


def runs(text: str, least: int) -> Iterator[list[tuple[int, int]]]:
    """Groups that stand close together, as runs of at least so many digits."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= least:
            groups = [found.span() for found in _GROUP.finditer(text, run.start(), run.end())]
            if sum(b - a for a, b in groups) >= least:
                yield groups


def numbers(text: str, least: int, most: int) -> Iterator[Number]:
    """Every number of `least` to `most` digits that starts and ends with a group.

    Groups that go on in the same style before or after it make a list, not a number. A group takes
    part in a bounded number of them, so that time is linear.
    """
    for groups in runs(text, least):
        signs = tuple(text[a[1] : b[0]] for a, b in pairwise(groups))
        sizes = [b - a for a, b in groups]
        for first, size in enumerate(sizes):
            if least <= size <= most:
                yield Number(text, (groups[first],), ())
            if _goes_on(sizes, signs, first - 1, first):
                continue
            total = size
            for last in range(first + 1, min(len(groups), first + _MOST_GROUPS)):
                total += sizes[last]
                if total > most:
                    break
                if total >= least and not _goes_on(sizes, signs, last, last - 1):
                    yield Number(text, tuple(groups[first : last + 1]), signs[first:last])


def _goes_on(sizes: list[int], signs: tuple[str, ...], gap: int, inner: int) -> bool:
    """Whether the groups on both sides of a gap are alike, and so is the gap inside."""
    return (
        0 <= gap < len(signs)
        and sizes[gap] == sizes[gap + 1]
        and 0 <= inner < len(signs)
        and signs[gap] == signs[inner]
    )
