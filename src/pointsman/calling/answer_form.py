"""The form that a prompt asks for in words, and how far an answer has it. Pure.

JSON, code, a table; so many items, words or sentences. In English, German and Spanish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log

from pointsman.calling.answer_format import json_of
from pointsman.calling.answer_prompt import asked

#: Characters of an answer that are looked at.
_READ = 20_000
#: How far from the number of words that is asked for an answer may be, as a factor; and where it
#: is a bound, how far beyond.
_ABOUT, _BEYOND = 1.35, 1.1
#: From how many times too many or too few on an answer has nothing of the form.
_FAR = 2.0
#: More items, words or sentences than these are no form, but a number in the text.
_MOST_ITEMS, _MOST_WORDS, _MOST_SENTENCES = 50, 5_000, 20
#: With fewer words than these, "three words" may be what the prompt is about.
_FEW_WORDS = 20

_NUMBERS = {
    **dict.fromkeys(("one", "a single", "einem", "einen", "ein", "una", "un"), 1),
    **dict.fromkeys(("two", "zwei", "dos"), 2),
    **dict.fromkeys(("three", "drei", "tres"), 3),
    **dict.fromkeys(("four", "vier", "cuatro"), 4),
    **dict.fromkeys(("five", "fünf", "cinco"), 5),
    **dict.fromkeys(("six", "sechs", "seis"), 6),
    **dict.fromkeys(("seven", "sieben", "siete"), 7),
    **dict.fromkeys(("eight", "acht", "ocho"), 8),
    **dict.fromkeys(("nine", "neun", "nueve"), 9),
    **dict.fromkeys(("ten", "zehn", "diez"), 10),
}
_NUMBER = rf"(\d{{1,5}}|{'|'.join(_NUMBERS)})"
_FLAGS = re.IGNORECASE

_JSON = re.compile(
    r"\b(?:in|as|als|en|como|return|output|answer with|respond with|reply with|gib|devuelve)"
    r"\s(?:only\s|a\s|an\s|valid\s|einzelnes\s|gültiges\s|un\s|formato\s|nur\s|sólo\s|solo\s){0,3}"
    r"json\b(?!\s(?:file|schema|parser|librar|datei|archivo))",
    _FLAGS,
)
_CODE = re.compile(
    r"\b(?:write|implement|create|give me|show me|schreibe?|implementiere|erstelle|escribe|implementa"
    r"|crea)\b[^.\n?]{0,40}?"
    r"(?:\b(?:python|java|javascript|typescript|c|rust|go|ruby|php|bash|shell|perl|sql|html|css|kotlin|swift)\b"
    r"|\bc(?:\+\+|#))[^.\n?]{0,20}?"
    r"\b(?:function|program|script|class|query|code|method|funktion|programm|skript|klasse|función|funcion"
    r"|programa|código)\b"
    r"|\b(?:write|implement|schreibe?|escribe)\s(?:a|an|me|the|eine?|una?)\s(?:a\s)?"
    r"(?:function|program|regex|regular expression|funktion|programm|función|programa)"
    r"\s(?:that|to|which|for|in|die|das|zum|que|para)\b",
    _FLAGS,
)
_TABLE = re.compile(
    r"\b(?:(?:in|as|into|make|create|draw) a (?:\w+ )?table|als tabelle|in einer tabelle"
    r"|en una tabla|como tabla)\b",
    _FLAGS,
)
_ITEMS = re.compile(
    rf"\b(?:list|give(?: me)?|name|suggest|provide|write|come up with|generate|nenne|gib mir|liste"
    rf"|schlage|dame|enumera|nombra|sugiere|escribe)\s(?:me\s|the\s|at least\s|mir\s)?(?:top\s)?{_NUMBER}"
    r"\s(?!words?\b|sentences?\b|paragraphs?\b|wör|wort|sätze|palabras|frases|p[aá]rrafos|lines?\b)\w",
    _FLAGS,
)
_WORDS = re.compile(
    rf"\b((?:less|fewer|no more|not more) than|at most|under|up to|maximum(?: of)?|max\.?|within"
    rf"|höchstens|maximal|unter|weniger als|como máximo|menos de|at least|more than|over|minimum(?: of)?"
    rf"|mindestens|al menos|más de|in|about|around|exactly|with|of|ein|una|en|etwa|genau|unos)?"
    rf"\s?{_NUMBER}[ -](?:words?|wörtern?|worte?n?|palabras?)\b",
    _FLAGS,
)
_SENTENCES = re.compile(
    rf"\b(?:in|as|with|using|en|con)\s(?:only\s|just\s|exactly\s|nur\s)?{_NUMBER}"
    r"(?:\sor\stwo|\soder\szwei)?\s(?:\w{1,12}\s)?(?:sentences?|sätzen?|satz|frases?|oraci[oó]n(?:es)?)\b",
    _FLAGS,
)
_AT_MOST = re.compile(
    r"(?:less|fewer|no more|not more) than|at most|under|up to|max|within|höchstens|unter|weniger"
    r"|como máximo|menos de",
    _FLAGS,
)
_AT_LEAST = re.compile(
    r"at least|more than|over|minimum|mindestens|al menos|más de",
    _FLAGS,
)

_NUMBERED = re.compile(r"^[ \t]{0,3}(?:\*\*)?(\d{1,2})[.):]", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]{0,1}[-*\u2022+][ \t]+\S", re.MULTILINE)
_ROW = re.compile(r"^\s*\|.*\|\s*$|<t[rd]\b", re.MULTILINE)
_CODE_LINE = re.compile(
    r"```|^\s*(?:def |class |function |import |#include|public |const |let |var |SELECT\b|return\b"
    r"|[\w.]+\(.*\);?$)|[;{}]\s*$",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?\u3002](?:[\"'\u201d)\s]|$)")


def form_share(prompt: str, answer: str) -> float | None:
    """How much of the form that the prompt asks for the answer has, 0-1; None where it asks for none.

    Of several wishes, the one that it does worst on.
    """
    return min(_shares(asked(prompt), answer[:_READ].strip()), default=None)


def _shares(wish: str, answer: str) -> Iterator[float]:
    if _JSON.search(wish):
        yield float(_is_json(answer))
    if _TABLE.search(wish):
        yield float(_ROW.search(answer) is not None)
    if _CODE.search(wish):
        yield float(_CODE_LINE.search(answer) is not None)
    for found in (_items(wish, answer), _words(wish, answer), _sentences(wish, answer)):
        if found is not None:
            yield found


def _is_json(answer: str) -> bool:
    """Whether it is JSON, or has a block of it."""
    blocks = answer.split("```")[1::2] if "```" in answer else [answer]
    for block in blocks:
        try:
            found = json_of(block.removeprefix("json"))
        except ValueError:
            continue
        if isinstance(found, dict | list):
            return True
    return False


def _items(wish: str, answer: str) -> float | None:
    """None where the answer has no list in which items could be counted."""
    named = _ITEMS.search(wish)
    wanted = 0 if named is None else _number(named[1])
    if not 1 < wanted <= _MOST_ITEMS:
        return None
    numbered = [int(number) for number in _NUMBERED.findall(answer)]
    given = max(numbered) if numbered else len(_BULLET.findall(answer))
    return _near(given, wanted) if given > 1 else None


def _words(wish: str, answer: str) -> float | None:
    named = _WORDS.search(wish)
    if named is None:
        return None
    bound, wanted = named[1] or "", _number(named[2])
    given = len(_WORD.findall(answer))
    if not 0 < wanted <= _MOST_WORDS or (wanted < _FEW_WORDS and not bound):
        return None
    if wanted == 1:
        return float(given == 1)
    if _AT_MOST.match(bound):
        return 1.0 if given <= wanted * _BEYOND else _near(given, wanted)
    if _AT_LEAST.match(bound):
        return 1.0 if given * _BEYOND >= wanted else _near(given, wanted)
    return 1.0 if wanted / _ABOUT <= given <= wanted * _ABOUT else _near(given, wanted)


def _sentences(wish: str, answer: str) -> float | None:
    named = _SENTENCES.search(wish)
    wanted = 0 if named is None else _number(named[1])
    if not 0 < wanted <= _MOST_SENTENCES:
        return None
    given = max(1, len(_SENTENCE_END.findall(answer)))
    return 1.0 if abs(given - wanted) <= wanted // 3 else _near(given, wanted)


def _number(written: str) -> int:
    return int(written) if written.isdigit() else _NUMBERS[written.lower()]


def _near(given: int, wanted: int) -> float:
    """1 where they are equal, 0 where one is twice the other."""
    if not given:
        return 0.0
    return max(0.0, 1.0 - abs(log(given / wanted)) / log(_FAR))
