"""What the learned scorer measures of a prompt: how much is asked, and in what manner.

Measured is what asks (`asked`), not the material that it is to be applied to: people paste pages
into small questions. Every measure levels off (log, share or 0/1) and none looks at case, blanks
or at words outside its lists, so that a typo or another way to put it moves little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from itertools import filterfalse
from math import log1p

from pointsman.scoring.essence import essence
from pointsman.scoring.features import Features
from pointsman.scoring.lexicon import fold, has_any, tokenise

#: Characters of the head and of the tail that are measured: orders stand there, and what a longer
#: text adds says no more.
HEAD, TAIL = 1_200, 600

_EXERCISE = re.compile(r"(?:^|\n|\. )answer:[ \t]*\n?[ \t]*\S[^\n]{0,120}\n[ \t]*\n", re.IGNORECASE)
_ANSWER = re.compile(r"\banswer:$", re.IGNORECASE)
_ANSWER_SIGN, _ANSWER_LENGTH = "nswer:", 7
_OPTIONS = re.compile(r"(?m)^[ \t]*\(?A[.)][ \t][^\n]*\n\s*\(?B[.)][ \t]")
_OPTION = re.compile(r"(?m)^[ \t]*\(?[A-J][.)][ \t][^\n]*")
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
_FENCE = re.compile("```|~~~")
_CODE = re.compile(
    r"(?m)^\s*(?:def|class|import|from|return|function|const|let|var|public|#include)\b.*[:;({]"
)
_CODE_WORD = re.compile(r"\w+")
_SENTENCES = (".", "?", "!", "。")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_QUESTIONS = _words("what which who whom whose when where why")
#: Words by what they ask for or how they join, each in one list. English: other languages are
#: read by length, and by the heuristic's cues.
WORDS: Mapping[str, frozenset[str]] = {
    "how": _words("how"),
    "conditions": _words(
        "if unless when suppose assume assuming given whether provided would should must"
    ),
    "quantities": _words(
        "each every all total many much more less fewer than twice half times per percent average"
        " remaining left rest both altogether ratio first second third one two three four five six"
        " seven eight nine ten dozen"
    ),
    "links": _words(
        "and but or because so then after before while although however since therefore thus also"
        " until"
    ),
    "references": _words("he she his her him they their them it its that this these"),
    "persons": _words("i me my we our us you your"),
    "negations": _words(
        "not no never none neither nor except least without incorrect false cannot isn doesn don"
    ),
}
_LISTED = {word: name for name, words in WORDS.items() for word in words}

#: What is counted, and from how much on more of it no longer counts.
CAPS: Mapping[str, int] = {
    "words": 300,
    "sentences": 20,
    "option_words": 200,
    "code_words": 200,
    "numbers": 20,
    "commas": 20,
    **dict.fromkeys(WORDS, 10),
    "begins_with_question": 1,
    "ends_with_question": 1,
}
NAMES = tuple(CAPS)
_CAPS = tuple(CAPS.values())


def question(text: str) -> tuple[str, str]:
    """What is asked, and the lettered options to choose from, if there are any.

    Of solved examples followed by an open one, the last counts.
    """
    low = text.lower().rstrip() if ":" in text else ""
    answer = low.find(_ANSWER_SIGN)
    if answer >= 0:
        if answer + len(_ANSWER_SIGN) < len(low):  # there is one
            text = next(filter(str.strip, reversed(_EXERCISE.split(text))), text)
        text = _without_answer(text)
    listed = "\n" in text and ("B." in text or "B)" in text)
    first = _OPTIONS.search(text) if listed else None
    if first is None:
        return _ends(text), ""
    *_, last = _OPTION.finditer(text, first.start())
    return _ends(text[: first.start()]), _ends(text[first.start() : last.end()])


def _without_answer(text: str) -> str:
    """The text without an "answer:" that it ends with."""
    whole = text.rstrip()
    found = _ANSWER.search(whole, len(whole) - _ANSWER_LENGTH)
    return whole[: found.start()].rstrip() if found else text


def _ends(text: str) -> str:
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n\n{text[-TAIL:]}"


def parted(text: str) -> tuple[str, str]:
    """What asks in a text, and the code that it is about; prose that it is about is left out.

    What asks is the first paragraph, and the last one where it ends in a question mark.
    """
    if not has_any(text, "\n`~"):
        return text, ""
    segments = _FENCE.split(text) if has_any(text, "`~") else [text]
    paragraphs = [part for part in "\n\n".join(segments[::2]).split("\n\n") if part.strip()]
    asking, rest = paragraphs[:1], paragraphs[1:]
    if rest and rest[-1].rstrip().endswith(_QUESTION_MARKS):
        asking.append(rest.pop())
    code = [part for part in rest if _CODE.search(part)]
    return "\n".join(asking), "\n".join([*segments[1::2], *code])


def _tokens(asking: str, known: Features | None) -> Sequence[str]:
    """Its tokens: a slice of those that are known, where most of the known text is this one."""
    if known is not None and len(known.read) < 2 * len(asking):
        one_line = asking.replace("\n", " ")
        before, same, after = f" {known.read} ".partition(f" {one_line} ")
        if same:
            start, rest = (len(tokenise(fold(text))) if text else 0 for text in (before, after))
            return known.reading.tokens[start : len(known.reading.tokens) - rest]
    return tokenise(fold(asking))


def measure(text: str, options: str = "", known: Features | None = None) -> tuple[float, ...]:
    """The measures of what is asked, in the order of `NAMES`. Linear in its length.

    `known` is of a text that this one may be a part of: what was cut there is not cut again.
    """
    asking, code = parted(text)
    tokens = _tokens(asking, known)
    counts = Counter(tokens)
    words, numbers = len(tokens), 0
    for token in filterfalse(str.isalpha, counts):
        if not token[0].isalpha():
            words -= counts[token]
            numbers += counts[token] if token[0].isdigit() else 0
    listed = dict.fromkeys(WORDS, 0)
    for token in counts.keys() & _LISTED.keys():
        listed[_LISTED[token]] += counts[token]
    option_words = len(options.split())
    code_words = len(_CODE_WORD.findall(code))
    begins = next((token for token in tokens if token[0].isalpha()), "")
    found = (
        words + option_words + code_words,
        sum(map(counts.__getitem__, _SENTENCES)),
        option_words,
        code_words,
        numbers,
        counts[","],
        *listed.values(),
        begins in _QUESTIONS,
        bool(tokens) and tokens[-1] == "?",
    )
    return tuple(map(log1p, map(min, found, _CAPS)))


def surface(text: str, glue: Container[str]) -> tuple[float, ...]:
    """The measures of a prompt without its wrapping; `glue` as `essence` wants it."""
    asking, options = question(text)
    return measure(essence(asking, glue), options)
