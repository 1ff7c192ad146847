"""The cue lists as one frozen value, and the search for cues in a text.

A text is folded (case, width, accents) and cut into tokens: words, punctuation marks
that may end a clause, and single Chinese characters, so that a Chinese cue is found anywhere in
a run while a word of any other script is only found whole. At each token the longest cue that
starts there wins and uses up its words: `smart contract` is coding, and its `contract` is not
law. Every step is a dictionary look-up or a comparison with a short list, so time grows with
the length of the text and with nothing else.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, count
from typing import TypeAlias

import msgspec

from pointsman.errors import ConfigError

#: What a list can say, and under which names. `None`: any name (a domain or an area).
SECTIONS: Mapping[str, frozenset[str] | None] = {
    "complex": frozenset({"design", "build", "weigh", "explain", "make", "work", "technical"}),
    "simple": frozenset({"definition", "material", "small", "light", "brief"}),
    "reasoning": frozenset({"weigh", "link", "step"}),
    "expert": None,
    "domains": None,
    "decisive": None,
    "hints": None,
    "precision": frozenset({"cues"}),
}
#: Plain word lists, at the top of a file.
WORD_LISTS = frozenset(
    {"function_words", "lead_ins", "determiners", "continuations", "fillers"},
)

#: Where every cue of a text is of these, nothing new is asked.
_ASKS_NOTHING = frozenset({"reasoning", "precision"})
_NAMES = frozenset({"expert", "domains", "decisive", "hints"})
_NAMED = frozenset({("complex", "technical"), ("complex", "work")})
_ORDER = "^"
_STEM = "*"
_STEM_HEAD = 3  # a stem that starts a cue is found by this many letters
_FEW_WORDS = 6  # "continue with the next part", politeness aside
_LANGUAGE_TOKENS = 100  # enough to tell the language by
_TOO_FEW = 2  # Latin words that tell no language
#: Shares of listed words at which a text's language is surely not, and surely, one of ours.
_NOT_READ, _READ = 0.15, 0.25
_MARKS = frozenset('.,!?;:(*#>"“«「。、।')
_OPENERS = frozenset(':"“«「')
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_NO_WORD = r"\s!-/:-@\[-\^`{-~\u00a1\u00ab\u00bb\u00bf\u2010-\u203a\u3001-\u3011\u0964\u0965"
_ACCENTS = re.compile("[\u0300-\u036f\u093c]+")
_TOKEN = re.compile(f"[{_HAN}]|[^{_NO_WORD}{_HAN}]+|[{re.escape(''.join(sorted(_MARKS)))}]")
_ASCII_MARKS = tuple(filter(str.isascii, _MARKS))
_ASCII_GAPS = "".join(
    " " if re.match(f"[{_NO_WORD}]", char) and char not in _MARKS else char
    for char in map(chr, range(128))
)
#: What printed text has where people type something else; it is cut alike. Often all that keeps
#: a text from being ASCII, which is read in half the time.
_TYPED = (
    *zip("\u201c\u201d\u2018\u2019\u2013\u2014\u2022\xa0", "\" ''--  ", strict=True),
    ("\u2026", "..."),
)
#: All that `str.split` cuts at, but for spaces and line feeds.
_OTHER_BLANKS = (
    "\t\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
#: Words of which a lexicon remembers which cues they start.
_REMEMBERED = 16_384


def has_any(text: str, characters: str) -> bool:
    """Whether one of the characters is in the text: for a few, the fastest way to know."""
    return any(map(text.__contains__, characters))


def lines_of(text: str) -> list[str]:
    """The text's lines, without blanks at their ends, and with one space for any others."""
    if has_any(text, _OTHER_BLANKS):
        return [" ".join(line.split()) for line in text.splitlines()]
    lines = map(str.strip, text.removesuffix("\n").split("\n"))
    return [" ".join(line.split()) if "  " in line else line for line in lines]


def flattened(text: str) -> str:
    """The text in one line, without blanks at its ends, and with one space for any others."""
    return " ".join(filter(None, lines_of(text)))


def fold(text: str) -> str:
    """Make `text` comparable: without case, width, accents and nuktas, as people type it."""
    if not text.isascii():
        for printed, typed in _TYPED:
            text = text.replace(printed, typed)
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", bare).casefold()


def tokenise(folded: str) -> list[str]:
    """Cut folded text into words, single Chinese characters and clause marks."""
    if not folded.isascii():
        return _TOKEN.findall(folded)
    spaced = folded.translate(_ASCII_GAPS)  # as the pattern cuts it, in a third of the time
    for mark in _ASCII_MARKS:
        if mark in spaced:
            spaced = spaced.replace(mark, f" {mark} ")
    return spaced.split()


def is_word(token: str) -> bool:
    """Whether `token` has a letter in it: not a mark, number or emoji."""
    return token[0].isalpha() or (len(token) > 1 and any(map(str.isalpha, token)))


class Cue(msgspec.Struct, frozen=True, eq=False):
    """A phrase of a list: its words, and every `(section, name)` that holds it."""

    words: tuple[str, ...]
    #: Counts only where it gives an order, see `Lexicon`.
    order: bool
    tags: frozenset[tuple[str, str]]
    #: Whether it only names a subject. Names travel: `platform` tells no language.
    name: bool
    #: Those of its tags.
    sections: frozenset[str]


@dataclass(slots=True, eq=False)
class Node:
    """A place in the tree of cues: what may come next, and the cues that end here."""

    words: dict[str, Node] = field(default_factory=dict)
    stems: dict[str, Node] = field(default_factory=dict)
    cue: Cue | None = None
    #: The cue that ends here where the words give an order.
    order: Cue | None = None
    #: Whether a cue may be found here without looking at the next word.
    ends: bool = False
    #: The cue that is found here whatever stands around it.
    sure: Cue | None = None

    def add(self, cue: Cue) -> None:
        """Grow the branch of `cue`."""
        node = self
        for word in cue.words:
            branches = node.stems if word.endswith(_STEM) else node.words
            node.ends |= branches is node.stems
            start = word.rstrip(_STEM)
            child = branches.get(start)
            if child is None:
                child = branches[start] = Node()
            node.sure = None
            node = child
        node.ends = True
        if cue.order:
            node.order = cue
        else:
            node.cue = cue
        node.sure = None if node.words or node.stems or node.order else node.cue


#: A cue found in a text, and where its first token is.
Hit: TypeAlias = tuple[Cue, int]
#: How many different cues of a text there are, by section and name; what has none is left out.
Tally: TypeAlias = Mapping[str, Mapping[str, int]]


class Reading(msgspec.Struct, frozen=True):
    """A text's tokens with the cues found in them, in order."""

    tokens: Sequence[str]
    hits: Sequence[Hit]
    #: 0-1: how sure it is that the text is in a language without a list.
    unread: float

    def until(self, end: int) -> Reading:
        """The same reading without the cues from token `end` on."""
        hits = [hit for hit in self.hits if hit[1] < end]
        return Reading(self.tokens, hits, self.unread)

    def opener_after(self, at: int) -> int | None:
        """The first colon or opening quote after token `at`."""
        for index in range(at + 1, len(self.tokens)):
            if self.tokens[index] in _OPENERS:
                return index
        return None

    def tally(self) -> Tally:
        """How many different cues there are of each section and name."""
        counts: dict[str, dict[str, int]] = {}
        for cue in {cue for cue, _ in self.hits}:
            for section, name in cue.tags:
                names = counts.setdefault(section, {})
                names[name] = names.get(name, 0) + 1
        return counts


class Lexicon(msgspec.Struct, frozen=True):
    """Every language's cue lists, compiled.

    A cue written `^design` gives an order: it counts at the start of a clause, after a lead-in
    ("please", "and", "to") or before a determiner ("a", "this"), so that "graphic design" does
    not count. A cue word written `optimi*` stands for every word that starts so.
    """

    #: The plain word lists by name.
    words: Mapping[str, frozenset[str]]
    #: The function words that are no fillers: as good as any to tell the language by.
    common: frozenset[str]
    #: Where in the tree of cues a word leads that may start one; empty for any other.
    starts: Mapping[str, tuple[Node, ...]]

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Lexicon:
        """Compile TOML texts, keyed by a name for messages. Raises ConfigError."""
        words: dict[str, set[str]] = {name: set() for name in WORD_LISTS}
        cues: dict[tuple[tuple[str, ...], bool], set[tuple[str, str]]] = {}
        for source, text in sorted(texts.items()):
            for section, name, phrase in _entries(source, text):
                key = _cue_words(source, phrase)
                if section in WORD_LISTS:
                    words[section].update(key)
                else:
                    order = phrase.startswith(_ORDER)
                    cues.setdefault((key, order), set()).add((section, name))
        root = Node()
        shared: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}
        for (key, order), tags in cues.items():
            # What gives an order is also what the same words are elsewhere.
            every = frozenset(tags | cues.get((key, False), set()))
            names = all(tag[0] in _NAMES or tag in _NAMED for tag in every)
            sections = frozenset(section for section, _ in every)
            root.add(Cue(key, order, shared.setdefault(every, every), names, sections))
        common = frozenset(filter(is_word, words["function_words"] - words["fillers"]))
        return cls({name: frozenset(found) for name, found in words.items()}, common, _Starts(root))

    def read(self, folded: str) -> Reading:
        """Find the cues in folded text. Linear in its length."""
        tokens = tokenise(folded)
        ended = [*tokens, ""]
        starts = list(map(self.starts.__getitem__, tokens))
        hits: list[Hit] = []
        end = 0
        for at in compress(count(), starts):
            if at < end:
                continue
            cue: Cue | None = None
            for node in starts[at]:
                found = node.sure
                if found is None and (node.ends or ended[at + 1] in node.words):
                    found = self._longest(node, ended, at, at + 1)
                if found is not None and (cue is None or len(found.words) > len(cue.words)):
                    cue = found
            if cue is not None:
                hits.append((cue, at))
                end = at + len(cue.words)
        return Reading(tokens, hits, self._unread(tokens, hits))

    def is_continuation(self, folded: str) -> bool:
        """Whether the text only goes on with what came before.

        That is: "yes, please", a sign without words, a number that picks a choice, or a few
        words without a cue that start so, such as "continue with the next part".
        """
        tokens = tokenise(folded)
        said = [token for token in tokens if is_word(token)]
        asked = [token for token in said if token not in self.words["fillers"]]
        if not asked:
            return not said and sum(token.isdigit() for token in tokens) <= 1
        if self.words["continuations"].issuperset(asked):
            return True
        if asked[0] not in self.words["continuations"] or len(asked) > _FEW_WORDS or "?" in tokens:
            return False
        return all(cue.sections <= _ASKS_NOTHING for cue, _ in self.read(folded).hits)

    def _unread(self, tokens: Sequence[str], hits: Iterable[Hit]) -> float:
        """Judge by the first words, without politeness and names, how many are in a list."""
        first = tokens[:_LANGUAGE_TOKENS]
        named = {
            at: cue.name
            for cue, start in hits
            if start < _LANGUAGE_TOKENS
            for at in range(start, start + len(cue.words))
        }
        known = sum(map(self.common.__contains__, first)) - sum(named.values())
        if known >= _READ * len(first):  # whatever else there is
            return 0.0
        fillers, function_words = self.words["fillers"], self.words["function_words"]
        words = [
            (word, at in named)
            for at, word in enumerate(first)
            if word not in fillers and not named.get(at) and (word.isalpha() or is_word(word))
        ]
        if not words or (len(words) <= _TOO_FEW and all(word.isascii() for word, _ in words)):
            return 0.0
        known = sum(in_cue or word in function_words for word, in_cue in words)
        return min(1.0, max(0.0, (_READ - known / len(words)) / (_READ - _NOT_READ)))

    def _longest(self, node: Node, tokens: Sequence[str], start: int, at: int) -> Cue | None:
        """The longest cue whose words before `at` lead from `start` to `node`.

        The last token is the empty one.
        """
        best: Cue | None = None
        while True:
            if node.order is not None and self._is_order(tokens, start, at):
                best = node.order
            elif node.cue is not None:
                best = node.cue
            token = tokens[at]
            for stem, child in node.stems.items():
                if token.startswith(stem):
                    found = self._longest(child, tokens, start, at + 1)
                    best = found or best
            following = node.words.get(token)
            if following is None:
                return best
            node, at = following, at + 1

    def _is_order(self, tokens: Sequence[str], at: int, after: int) -> bool:
        """Whether the words from `at` to `after` stand where an order is given."""
        before = tokens[at - 1] if at else "."
        if before in _MARKS or before in self.words["lead_ins"]:
            return True
        determiners = self.words["determiners"]
        return before not in determiners and tokens[after] in determiners


class _Starts(dict[str, tuple[Node, ...]]):
    """Where each word leads from the root of a tree of cues; remembers the usual words."""

    def __init__(self, root: Node) -> None:
        super().__init__()
        self._root = root
        self._heads: dict[str, tuple[str, ...]] = {}
        for stem in root.stems:
            head = stem[:_STEM_HEAD]
            self._heads[head] = (*self._heads.get(head, ()), stem)

    def __missing__(self, word: str) -> tuple[Node, ...]:
        root = self._root
        found = (root.words[word],) if word in root.words else ()
        for stem in self._heads.get(word[:_STEM_HEAD], ()):
            if word.startswith(stem):
                found = (*found, root.stems[stem])
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = found
        return found


def _entries(source: str, text: str) -> Iterable[tuple[str, str, str]]:
    """Every `(section, name, phrase)` of a file."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"lexicon {source} is not TOML: {error}") from error
    for section, value in document.items():
        if section == "language":
            continue
        if section in WORD_LISTS:
            lists = {"": value}
        elif section in SECTIONS and isinstance(value, dict):
            lists = value
        else:
            raise ConfigError(f"lexicon {source}: no list is called {section!r}")
        names = SECTIONS.get(section)
        for name, phrases in lists.items():
            if names is not None and name not in names:
                raise ConfigError(f"lexicon {source}: {section} has no list {name!r}")
            if not isinstance(phrases, list) or not all(isinstance(p, str) for p in phrases):
                raise ConfigError(f"lexicon {source}: {section} {name} is not a list of strings")
            for phrase in phrases:
                yield section, name, phrase


def _cue_words(source: str, phrase: str) -> tuple[str, ...]:
    """The tokens of a phrase; a `*` that ends a word stays with it."""
    words: list[str] = []
    for token in tokenise(fold(phrase)):
        if token == _STEM and words:
            words[-1] += _STEM
        elif token not in _MARKS:
            words.append(token)
    if not words or (words[0].endswith(_STEM) and len(words[0]) <= _STEM_HEAD):
        raise ConfigError(f"lexicon {source}: the cue {phrase!r} is too short")
    return tuple(words)
