"""Texts as word pieces, as BERT's uncased models were trained on. Pure.

Agrees with the `tokenizers` library but for two things: `[MASK]` and the like are ordinary text
here, that no prompt can say them; and some 500 characters that came to Unicode since 2015, which
the library does not know as marks or punctuation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

UNKNOWN = "[UNK]"
_BEGIN, _END = "[CLS]", "[SEP]"
_LONGEST_WORD = 100  # characters; a longer one is unknown
_CJK = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPieces:
    """Splits texts into the pieces of a vocabulary."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary` numbers the pieces; those that go on with a word begin with `##`.

        Raises ValueError for one that lacks `[UNK]`, `[CLS]` or `[SEP]`.
        """
        if missing := {UNKNOWN, _BEGIN, _END} - vocabulary.keys():
            raise ValueError(f"the vocabulary has no {', '.join(sorted(missing))}")
        self._ids = vocabulary
        self._longest = max(map(len, vocabulary))
        self._spelling = _Spelling()

    def split(self, text: str) -> list[str]:
        """The text's pieces; `[UNK]` for each word that can't be made of any."""
        words = unicodedata.normalize("NFD", text).translate(self._spelling).split()
        return [piece for word in words for piece in self._pieces(word)]

    def numbered(self, pieces: Sequence[str]) -> list[int]:
        """As the network reads them: with the mark of a text's begin and that of its end."""
        return [self._ids[piece] for piece in (_BEGIN, *pieces, _END)]

    def _pieces(self, word: str) -> list[str]:
        """The longest ones from the left on."""
        if len(word) > _LONGEST_WORD:
            return [UNKNOWN]
        pieces: list[str] = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                if (piece := prefix + word[start:end]) in self._ids:
                    break
            else:
                return [UNKNOWN]
            pieces.append(piece)
            start, prefix = end, "##"
        return pieces


class _Spelling(dict[int, str]):
    """What becomes of each character; filled as they turn up."""

    def __missing__(self, code: int) -> str:
        spelt = self[code] = _spelt(chr(code))
        return spelt


def _spelt(char: str) -> str:
    category = unicodedata.category(char)
    if char in "\t\n\r" or category in {"Zs", "Zl", "Zp"}:
        return " "
    if category in {"Mn", "Cc", "Cf", "Co", "Cs"} or char == "\N{REPLACEMENT CHARACTER}":
        return ""
    if category[0] == "P" or (char.isascii() and not char.isalnum()) or _is_cjk(char):
        return f" {char} "
    return char.lower()


def _is_cjk(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _CJK)
