"""A text cut into words, numbers, code, marks and single Chinese characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LETTER = f"[^\\W\\d_{_HAN}]"
_SIGNS = "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"  # Hindi's vowel signs
_ACCENTS = re.compile("[\u0300-\u036f\u093c]+")
_VULGAR = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_SUPERSCRIPT = re.compile("(?=[\u00b2\u00b3\u00b9\u2070-\u2079])")
_QUOTES = "\"'\u201c\u201e\u00ab\u2018"
_ENDS = frozenset(".,?!:;")
_USUAL = 40  # characters; what stands between blanks is rarely longer
#: How code begins whose case counts.
_EXACT = "-`~/.\\%$"
_POSSESSIVE = ("'s", "s'")

_TOKEN = re.compile(
    rf"""
    (?P<code>
        `[^`\n]{{1,200}}`
      | https?://[^\s"'<>]+ | (?<![\w.+-])[\w.+-]{1, 64}@[\w-]+\.\w+
      | (?<![\w-])--?[A-Za-z][\w-]*                  # flags
      | [\\%][A-Za-z](?!\w)                          # \d, %m
      | (?<![\w.])[~.]{{0,2}}/\w[\w./-]*             # paths
      | \d{{4}}-\d\d?-\d\d? | \d\d?[./]\d\d?[./]\d{{2,4}}(?![./\d])   # dates
      | v?\d+(?:\.\d+){{2,}} | [vV]\d+(?:\.\d+)*(?!\w)                # versions
      | 0x[0-9A-Fa-f]+ | \$[A-Za-z_]\w*
      | [A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w+)+(?:\(\))? | \w+\(\)     # module.name, f()
      | \w*[A-Za-z]_\w+ | (?<![\w.])\.[a-z]\w+
      | [=!]==?|&&|\|\||\+\+|\*\*|<=|>=|:=
      | (?:^|(?<=[\w)\s]))[*^=<+](?=[\w(\s]|$) | ^-$                 # arithmetic
    )
  | (?P<number>
        (?:(?<![\w)\-])[-\u2212])?
        (?: \d\d?:\d\d(?!\d)
          | \d+[/\u2044]\d+(?![\w/])
          | \d{{1,3}}(?:[,.'\u2019]\d{{3}})+(?:[.,]\d+)?(?!\d)
          | \d{{1,3}}(?:[\u00a0\u202f]\d{{3}})+(?!\d)
          | \d+(?:[.,]\d+)? ) )
  | (?P<word>
        (?:[A-Z]\.){{2,}}[A-Z]? | (?<!\w)[A-Za-z](?:\+\+|\#)
      | {_LETTER}(?:{_LETTER}|[\d{_SIGNS}])*(?:['\u2019](?:{_LETTER}|[{_SIGNS}])+)* )
  | (?P<han>[{_HAN}])
  | (?P<mark>[.?!:;,\u2026\n"\u201c\u201d\u3002\uff0c\u0964%$\u20ac\u00a3\u00a5\u20b9\u00b0+*/()=<>-])
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(
    '["\u201c\u201e\u00ab]([^"\u201c\u201d\u00bb\n]{1,200})["\u201d\u201c\u00bb]'
    "|(?<!\\w)['\u2018]([^'\u2019\n]{1,200})['\u2019](?!\\w)"
)


class Token(NamedTuple):
    """A piece of a text."""

    #: `code`, `number`, `word`, `han` or `mark`.
    kind: str
    #: As it was written.
    raw: str
    #: As it is compared: without case, accents, dots of abbreviations and possessive.
    text: str


def fold(text: str) -> str:
    """Make `text` comparable: without case, width and accents."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", bare).casefold()


def _word(raw: str) -> str:
    word = fold(raw.replace("\u2019", "'"))
    if "." in word:
        return word.replace(".", "")
    if word.endswith(_POSSESSIVE):
        return word[: -len("'s")]
    return word


def cut(text: str) -> tuple[Token, ...]:
    """The tokens of `text`, in order. Linear in its length."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _SUPERSCRIPT.sub("^", _VULGAR.sub(" ", text)))
    if "`" in text:
        return _pieces(text)
    tokens: list[Token] = []
    for chunk in text.split(" "):
        if chunk:
            tokens += _remembered(chunk) if len(chunk) <= _USUAL else _pieces(chunk)
    return tuple(tokens)


def _pieces(text: str) -> tuple[Token, ...]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind, raw = match.lastgroup or "", match[0]
        if kind == "word":
            tokens.append(Token(kind, raw, _word(raw)))
        elif kind == "code":
            said = raw.strip("`").rstrip(".")
            tokens.append(Token(kind, raw, said if raw[0] in _EXACT else said.lower()))
        else:
            tokens.append(Token(kind, raw, raw))
    return tuple(tokens)


@lru_cache(maxsize=8192)
def _remembered(chunk: str) -> tuple[Token, ...]:
    if chunk.isascii():
        if chunk.isalpha():
            return (Token("word", chunk, chunk.lower()),)
        word, mark = chunk[:-1], chunk[-1]
        if mark in _ENDS and word.isalpha():
            return (Token("word", word, word.lower()), Token("mark", mark, mark))
    return _pieces(chunk)


def quoted(text: str) -> tuple[str, ...]:
    """What stands between quotation marks."""
    if not any(mark in text for mark in _QUOTES):
        return ()
    return tuple(double or single for double, single in _QUOTED.findall(text))
