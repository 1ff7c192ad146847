"""What a prompt asks, without what it is wrapped in.

People greet, thank, paste a log and add "think step by step"; some add words that only serve to
be sent to a better model (arXiv 2501.01818). None of it makes the question harder, so a score
that is to be worth something is taken from what is left without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice

from pointsman.scoring.lexicon import Lexicon, fold, has_any, is_word, lines_of, tokenise
from pointsman.scoring.talk import LINKS, OPENERS, TALK, WANTS

#: Characters at each end of a text that are looked at. Orders stand at the head or the tail.
REACH = 6_000
#: Lines that begin alike and are no prose, from which on they are the output of a machine.
_ALIKE = 4
_BEGINNING = 6  # characters of a line that say whether it begins like another
#: Share of plain words from which on a line is prose.
_PROSE = 0.75
#: Code in a fence of at most so many lines says little about what is asked.
_SNIPPET = 3
#: Words without one that holds a sentence together, from which on they are no sentence.
_HEAP = 5
#: Share of words that join others, up to which words are a heap.
_LOOSE = 0.2
#: What a word that joins nothing counts against one that joins.
_PLAIN_WORD = 0.25
_NO_HEAP = -2.0  # the count at which a sentence has surely begun
#: Share of joining words from which on it need not be looked at closely.
_SURE = 0.35
_SKIPPED = 12  # sentences at either end, at most
_NEAR = 120  # characters at a text's end in which its last sentence mostly begins
_FAR = 60  # tokens within which a heap that a prompt begins with must end
_SOON = 3  # tokens within which a sentence has a word that joins others
_ODD = 0.34  # share of words that are none, from which on a sentence is gibberish
#: Share of words about something, up to which a sentence is about nothing.
_SAYS_NOTHING = 0.08
_LEAST = 3  # words of a sentence that can be gibberish

_INVISIBLE = re.compile("[\u00ad\u0600-\u0605\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_CONTROLS = "".join(map(chr, (*range(0x09), *range(0x0E, 0x20), 0x7F)))
_CONTROL = re.compile(f"[{_CONTROLS}]")
_DIGIT = re.compile("[1-9]")
_MARKS = ".,;:!?\"'()"
#: What each row of a table or of a structured log begins with.
_ROWS = ("|", "{", "[", "<")
#: The first letter beyond the scripts of the languages that are read word by word.
_GREEK = "\u0370"
_OPENING = frozenset(opener[0] for opener in OPENERS)
_OPENER_LENGTHS = frozenset(map(len, OPENERS))
_SHORT = ("a", "i")
_FENCE = ("```", "~~~")
#: Where a sentence may end.
_MARK = re.compile("[.!?\u2026\u061f\u3002\uff01\uff1f\u0964\n|}>]\\s*")
_CLOSERS, _EAST = ".!?\u2026\u061f", "\u3002\uff01\uff1f\u0964"
#: The first of several answers to choose from.
_OPTION = re.compile(r"\(?\w[.)]\s")
_EDGES = " \t\n.,;:!?\"'()[]{}<>*_`~|\u2026\u00ab\u00bb\u201c\u201d\u2018\u2019\u3001\u3002\uff01\uff0c\uff1f"
_WORD = re.compile(r"\S+")
_PART = re.compile(r"\w{2,}|[^\x00-\x7f]+")
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")
_NUMBER = re.compile(r"\d+")
_PLEASE = re.compile(
    r"(?:(?:(?:please|kindly|(?:could|can|would|will) you (?:please|kindly)|hi|hello|hey"
    r"|bitte|hallo|s['\u2019]il (?:te|vous) pla[i\u00ee]t|bonjour|por favor|hola|per (?:favore|piacere)"
    r"|ciao|ol\u00e1|alsjeblieft|alstublieft|\u043f\u043e\u0436\u0430\u043b\u0443\u0439\u0441\u0442\u0430"
    r"|\u0915\u0943\u092a\u092f\u093e)(?!\w)|\u9ebb\u70e6\u4f60|\u4f60\u597d|\u8bf7)[\s,!\uff0c\u3001]*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,]+(?=[tvdmgob\u0441\u0927])(?:thank(?:s| you)(?: a lot| so much| very much| in advance)*|(?:vielen )?dank(?:e| je)?"
    r"|merci(?: beaucoup)?|(?:muchas )?gracias|grazie(?: mille)?|(?:muito )?obrigad[oa]|bedankt"
    r"|\u0441\u043f\u0430\u0441\u0438\u0431\u043e|\u0927\u0928\u094d\u092f\u0935\u093e\u0926)[\s.!]*$",
    re.IGNORECASE,
)
_JOINED = str.maketrans("", "", "'-\u2019.\u00b7/")


def glue_of(lexicon: Lexicon) -> frozenset[str]:
    """The words that every sentence has, of whatever it is about: what `essence` needs to know."""
    return lexicon.words["function_words"] | lexicon.words["fillers"] | LINKS


def essence(text: str, glue: Container[str]) -> str:
    """The text without wrapping: what a score should be taken from. Linear in its length.

    Blanks and line ends are made one kind; greetings, thanks, talk about how to answer, output
    of machines (logs, stack traces, tables) and heaps of words at the edges are left out. Where
    nothing would be left, that is what was asked, and it stays.
    """
    lines = _tidy(_ends(text))
    prose, code = _parted(lines)
    asked = _unwrapped(prose, glue)
    return "\n\n".join(part for part in (asked, *code) if part) or "\n".join(lines).strip()


def _ends(text: str) -> str:
    """The text's ends where it is long, with every fence that is open between them closed."""
    if len(text) <= 2 * REACH:
        return text
    head, tail = text[:REACH], text[-REACH:]
    head = head[: head.rfind("\n", REACH // 2) % (REACH + 1)]
    tail = tail[tail.find("\n", 0, REACH // 2) + 1 :]
    mark = next((mark for mark in _FENCE if head.count(mark) % 2), "")
    return f"{head}\n{mark}\n\n{tail}"


def _tidy(text: str) -> list[str]:
    """Its lines, without what can't be seen."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    if has_any(text, _CONTROLS):
        text = _CONTROL.sub(" ", text)
    return lines_of(text)


def _parted(lines: Sequence[str]) -> tuple[str, list[str]]:
    """What is said, and the blocks of code that are more than a snippet."""
    machine = _machine_output(lines)
    said: list[str] = []
    code: list[str] = []
    block: list[str] | None = None
    for line in lines:
        if line.startswith(_FENCE):
            if block is None:
                block = []
            else:
                code += _worth(block)
                block = None
            said.append("")
        elif line in machine:
            continue
        elif block is None:
            said.append(line)
        else:
            block.append(line)
    code += _worth(block or [])
    return "\n".join(said).strip(), code


def _worth(block: Sequence[str]) -> list[str]:
    return ["\n".join(["```", *block, "```"])] if len(block) > _SNIPPET else []


def _machine_output(lines: Sequence[str]) -> frozenset[str]:
    """The lines that begin as several others do and are no prose, with what introduces them."""
    if len(lines) < _ALIKE:
        return frozenset()
    heads = "\n".join([line[:1] if line[:1] in _ROWS else line[:_BEGINNING] for line in lines])
    beginnings = _DIGIT.sub("0", heads).split("\n")
    alike = Counter(beginnings)
    output = {
        line
        for line, beginning in dict(zip(lines, beginnings, strict=True)).items()
        if line and alike[beginning] >= _ALIKE and _plain_share(line) < _PROSE
    }
    if not output:
        return frozenset()
    paragraphs = _paragraphs(lines)
    mostly = [sum(line in output for line in some) * 2 > len(some) for some in paragraphs]
    if not all(mostly):
        for some, is_output in zip(paragraphs, mostly, strict=True):
            if is_output:
                output.update(some)
    return frozenset(output)


def _plain_share(line: str) -> float:
    words = line.split()
    return sum(word.strip(_MARKS).isalpha() for word in words) / len(words)


def _paragraphs(lines: Iterable[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines:
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [some for some in found if some]


def _unwrapped(prose: str, glue: Container[str]) -> str:
    """The prose without the sentences and heaps of words at its edges that ask nothing."""
    begin = 0
    for end in islice(_ends_after(prose, 0), _SKIPPED):
        begin += _lead(prose[begin:end], glue)
        if not _asks_nothing(prose[begin:end], glue):
            break
        begin = end
    else:
        return prose
    last = len(prose)
    for start in islice(_ends_before_last(prose, end), _SKIPPED):
        if not _asks_nothing(prose[start:last], glue):
            break
        last = start
    thanks = _THANKS.search(prose, max(begin, last - _FAR), last)
    return prose[begin : thanks.start() if thanks else last].strip()


def _ends_after(prose: str, begin: int) -> Iterator[int]:
    """Where sentences end, from where a word begins on; the last one ends with the text."""
    end = 0
    for match in _MARK.finditer(prose, begin):
        if _is_end(prose, match):
            end = match.end()
            yield end
    if end < len(prose) or not prose:
        yield len(prose)


def _ends_before_last(prose: str, first: int) -> Iterator[int]:
    """Where sentences end before the last one, backwards to `first`, which is such a place.

    Mostly no more than one is wanted, so the text's last characters are looked at first.
    """
    known, reach = len(prose), _NEAR
    while known > first:
        near = len(prose) - reach
        begin = max(first, prose.find(" ", near) + 1) if near > first else first
        ends = [end for end in _ends_after(prose, begin) if end < known]
        if begin == first:
            ends.insert(0, first)
        yield from reversed(ends)
        known = ends[0] if ends else known
        reach *= 8


def _is_end(prose: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends there; a line that was merely broken goes on."""
    mark, blank = match[0][0], match[0][1:]
    if mark in _CLOSERS:
        return bool(blank) and prose[match.start() - 2 : match.start() - 1] != "\n"
    if mark == "\n":
        return "\n" in blank or prose[match.end() : match.end() + 1] in _ROWS
    return mark in _EAST or "\n" in blank


def _asks_nothing(sentence: str, glue: Container[str]) -> bool:
    """Whether it is talk about asking and answering, a persona, or no sentence at all."""
    words = [word for word in tokenise(fold(sentence)) if word.isalpha() or is_word(word)]
    strange = [word for word in words if word not in glue and word not in TALK]
    matter = sum(len(word) > 1 or word > _GREEK for word in strange)
    most = _SAYS_NOTHING * len(words)
    if matter <= most and matter + len(_NUMBER.findall(sentence)) <= most:
        return True
    if words and words[0] in _OPENING and _opens(words):
        return "?" not in sentence and WANTS.isdisjoint(words)
    if _OPTION.match(sentence) or sum(map(glue.__contains__, words)) > _SURE * len(words):
        return False
    return _is_heap(sentence.split(), sum(map(_is_latin, words)), glue)


def _opens(words: Sequence[str]) -> bool:
    """Whether it begins as sentences do that say who asks, or who is to answer."""
    return any(tuple(words[:length]) in OPENERS for length in _OPENER_LENGTHS)


def _is_latin(word: str) -> bool:
    return word.isalpha() and word < _GREEK


def _is_heap(tokens: Sequence[str], words: int, glue: Container[str]) -> bool:
    """Hardly a word that joins others, and many that do not or that are none."""
    joins = sum(_joins(token, glue) for token in tokens)
    if words >= _HEAP and joins < _LOOSE * words:
        return True
    if len(tokens) < _LEAST or joins >= _LOOSE * len(tokens):
        return False
    return sum(map(_is_odd, tokens)) > _ODD * len(tokens)


def _lead(sentence: str, glue: Container[str]) -> int:
    """How many characters at the start of a sentence are politeness or a heap of words.

    What asks begins at the capital before which most words join nothing, and after which one does.
    """
    polite = _PLEASE.match(sentence)
    begin = polite.end() if polite else 0
    best, heap, capital = _HEAP * _PLAIN_WORD, 0.0, begin
    peak, since = 0.0, _SOON
    for token in islice(_WORD.finditer(sentence, begin), _FAR):
        if heap >= best and token[0][0].isupper():
            capital, peak, since = token.start(), heap, 0
        joins, adds = _in_heap(token[0], glue)
        if joins and since < _SOON:
            begin, best, since = capital, peak + _PLAIN_WORD, _SOON
        since += 1
        heap += adds
        if heap <= _NO_HEAP:
            break
    return begin


def _in_heap(word: str, glue: Container[str]) -> tuple[bool, float]:
    """Whether it joins others, and how much of a heap it makes what it stands in."""
    if word.isascii() and word.isalpha() and word.islower():  # as most are
        joins = word in glue and (len(word) > 1 or word in _SHORT)
        return joins, -1.0 if joins else _PLAIN_WORD * (len(word) > 1)
    joins = _joins(word, glue)
    if _is_odd(word):
        return joins, _PLAIN_WORD * min(8, max(2, len(_PART.findall(word))))
    return joins, -1.0 if joins else _PLAIN_WORD * min(2, len(_PART.findall(word)))


def _joins(token: str, glue: Container[str]) -> bool:
    """Whether it is one of the words that every sentence has."""
    core = token.strip(_EDGES)
    if core.isalnum() and core.isascii():
        first = core.lower()
    else:
        parts = tokenise(fold(core))
        if "-" in token or not parts:
            return False
        first = parts[0]
    return first in glue and (len(first) > 1 or first in _SHORT or first > "z")


def _is_odd(token: str) -> bool:
    """Whether it is neither a word nor a number: signs within letters, or signs alone."""
    core = token.strip(_EDGES)
    if not core.isalnum():
        core = core.translate(_JOINED)
    if core.isalnum():
        return not core.islower() and _INNER_CAPITAL.search(core) is not None
    return len(core or token) > 1 or not token.isascii()
