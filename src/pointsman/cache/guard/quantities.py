"""The quantities of a text: values with their units, in whatever notation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from pointsman.cache.guard.lists import Phrase, Tongue, Unit
from pointsman.cache.guard.tokens import Token

_CURRENCIES = {
    "$": "dollar",
    "\u20ac": "euro",
    "\u00a3": "pound",
    "\u00a5": "yen",
    "\u20b9": "rupee",
}
_MONEY = frozenset({*_CURRENCIES.values(), "yuan", "franc", "peso"})
_DECIMAL_COMMA = frozenset({"de", "fr", "es"})
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|ere|e|eme|o|a)$")
_THOUSANDS = re.compile(r"\d{1,3}(?:([,.'\u2019 \u00a0\u202f])\d{3})+(?:[.,]\d+)?")
_GLUED = {"k": 10**3, "K": 10**3, "M": 10**6, "bn": 10**9, "B": 10**9, "b": 10**9}
_ROMAN = {"II": 2, "III": 3, "IV": 4}
_CLOSES = 1000  # scales from here on close a group of words: "two hundred thousand"
_OF = frozenset({"of", "a", "an"})
_HUNDRED, _TWENTY = 100, 20
_JOINERS = frozenset({"and", "y", "et", "-"})
_LONGEST = 30  # digits; more are no quantity
_HALVES = frozenset({Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)})


class Quantity(NamedTuple):
    """A value with its unit."""

    #: In base units of `measure`.
    value: Fraction
    #: What is measured; empty for a bare number.
    measure: str
    #: As it was said, before conversion.
    said: Fraction
    #: Whether it may be missing in the other text: "one", "a day", "second".
    loose: bool
    #: Where it starts and ends, in tokens.
    start: int
    end: int


def quantities(
    tokens: Sequence[Token], phrases: Mapping[int, Phrase], tongue: Tongue, language: str
) -> tuple[Quantity, ...]:
    """All quantities of a text, in order."""
    starts = [
        at
        for at, token in enumerate(tokens)
        if token.kind == "number" or token.text in tongue.number_words or token.raw in _ROMAN
    ]
    if not starts:
        return ()
    inside = {
        at
        for start, phrase in phrases.items()
        if phrase.rest  # "Python 2", "one sentence"
        for at in range(start, start + 1 + len(phrase.rest))
    }
    reader = _Reader(tokens, phrases, tongue, language)
    found: list[Quantity] = []
    for at in starts:
        if at in inside or (found and at < found[-1].end):
            continue
        quantity = reader.at(at)
        if quantity is not None:
            found.append(quantity)
    return tuple(found)


class _Reader:
    """Reads quantities where they start."""

    def __init__(
        self, tokens: Sequence[Token], phrases: Mapping[int, Phrase], tongue: Tongue, language: str
    ) -> None:
        self._tokens = tokens
        self._phrases = phrases
        self._tongue = tongue
        self._decimal_comma = language in _DECIMAL_COMMA

    def at(self, at: int) -> Quantity | None:
        """The quantity that starts at token `at`."""
        token = self._tokens[at]
        if token.kind == "number":
            value, end = self._digits(token.raw), at + 1
            if value is None:
                return None
            value, end = self._scaled(value, end)
            return self._with_unit(value, at, end, loose=value == 1)
        if token.kind == "mark":
            return None
        if token.raw in _ROMAN and at and self._tokens[at - 1].raw[0].isupper():
            return Quantity(
                Fraction(_ROMAN[token.raw]), "", Fraction(_ROMAN[token.raw]), False, at, at + 1
            )
        spelled = self._spelled(at)
        if spelled is None:
            return None
        value, end, loose = spelled
        return self._with_unit(value, at, end, loose=loose)

    def _digits(self, raw: str) -> Fraction | None:
        """The value of a number in digits; None for one too long to be a quantity."""
        text = raw.replace("\u2212", "-")
        if len(text) > _LONGEST:
            return None
        sign = -1 if text.startswith("-") else 1
        text = text.lstrip("-")
        if ":" in text:
            hours, minutes = text.split(":")
            return Fraction(int(hours)) + Fraction(int(minutes), 60)
        over = re.split(r"\s?[/\u2044]\s?", text)
        if len(over) > 1:
            return sign * Fraction(int(over[0]), int(over[1]) or 1)
        grouped = _THOUSANDS.fullmatch(text)
        if grouped and self._groups(text, grouped[1]):
            text = text.replace(grouped[1], "")
        return sign * Fraction(text.replace(",", "."))

    def _groups(self, text: str, mark: str) -> bool:
        """Whether `mark` parts thousands in `text`."""
        if mark not in ".," or text.count(mark) > 1 or len(set(text) & {".", ","}) > 1:
            return True
        return mark == ("." if self._decimal_comma else ",")

    def _scaled(self, value: Fraction, end: int) -> tuple[Fraction, int]:
        """With `million`, `k` or a fraction after the digits."""
        while end < len(self._tokens):
            token = self._tokens[end]
            scale = self._tongue.scales.get(token.text) or _GLUED.get(token.raw)
            if scale is None or token.kind not in {"word", "han"}:
                break
            value, end = value * scale, end + 1
        if end < len(self._tokens) and self._tokens[end].kind == "number":
            part = self._digits(self._tokens[end].raw)
            if part in _HALVES and "." not in self._tokens[end].raw:
                return value + part, end + 1
        return value, end

    def _spelled(self, start: int) -> tuple[Fraction, int, bool] | None:
        """A number in words: its value, its end, and whether it is loose."""
        tongue, tokens = self._tongue, self._tokens
        total = group = last = Fraction(0)
        at = start
        while at < len(tokens) and not self._begins_phrase(at):
            word = tokens[at].text
            scale = tongue.scales.get(word)
            value = tongue.numbers.get(word)
            if value is None and at == start:
                value = tongue.loose_numbers.get(word)
            if scale is not None and (at > start or scale >= 1 or self._is_share(at)):
                if scale >= _CLOSES:
                    total, group = _closed(total, group, scale)
                else:
                    group += (last or 1) * scale - last
                last = Fraction(0)
            elif value is not None and (last == 0 or _completes(last, value)):
                last = value
                group += value
            else:
                step = self._joins(at) if at > start else 0
                if not step:
                    break
                at += step - 1
                last = Fraction(0)
            at += 1
        if at == start:
            return None
        single = at == start + 1 and tokens[start].text not in tongue.numbers
        return total + group, at, single or total + group == 1

    def _is_share(self, at: int) -> bool:
        """Whether the word at `at` is the middle of "a third of"."""
        around = self._tokens[at - 1 : at + 2] if at else ()
        return [token.text for token in around[::2]] == ["a", "of"]

    def _begins_phrase(self, at: int) -> bool:
        phrase = self._phrases.get(at)
        return phrase is not None and bool(phrase.rest)

    def _joins(self, at: int) -> int:
        """How many words from `at` on stand between the words of one number: "and", "and a"."""
        tongue, tokens = self._tongue, self._tokens
        if tokens[at].text not in _JOINERS:
            return 0
        length = 2 if at + 1 < len(tokens) and tokens[at + 1].text == "a" else 1
        if at + length >= len(tokens):
            return 0
        value = tongue.numbers.get(tokens[at + length].text)
        if value is None:
            return 0
        before = tokens[at - 1].text
        ten = tongue.numbers.get(before, Fraction(0))
        joined = (
            value == Fraction(1, 2)
            or tongue.scales.get(before, 0) >= _HUNDRED
            or (ten >= _TWENTY and ten % 10 == 0 and value < _TWENTY)
        )
        return length if joined else 0

    def _with_unit(self, value: Fraction, start: int, end: int, *, loose: bool) -> Quantity:
        """The value with the unit that stands after it, or the currency before it."""
        tokens = self._tokens
        said = value
        if end < len(tokens) and tokens[end].kind == "word" and _ORDINAL.fullmatch(tokens[end].raw):
            end += 1
            return Quantity(value, "", said, loose, start, end)
        unit, end = self._unit(self._after_of(end) if value.denominator > 1 else end)
        if unit is None and start:
            unit = self._currency_before(start)
        if unit is None:
            return Quantity(value, "", said, loose, start, end)
        loose = loose and said == 1
        return Quantity(value * unit.size, unit.measure, said, loose, start, end)

    def _after_of(self, at: int) -> int:
        """Behind "of an" in "half an hour" and "three quarters of an hour", before a unit."""
        place = at
        while place < len(self._tokens) and self._tokens[place].text in _OF:
            place += 1
        phrase = self._phrases.get(place)
        if phrase is None or all(tag.kind != "unit" for tag in phrase.tags):
            return at
        return place

    def _currency_before(self, start: int) -> Unit | None:
        """The currency in `$5` and `Rs. 500`."""
        at = start - 1
        if self._tokens[at].raw == "." and at:
            at -= 1
        raw = self._tokens[at].raw
        if raw in _CURRENCIES:
            return Unit(_CURRENCIES[raw], Fraction(1))
        of = self._tongue.signs.get(raw.lower())
        phrase = self._phrases.get(at)
        if of is None and phrase is not None:
            of = next((tag.of for tag in phrase.tags if tag.kind == "unit"), None)
        unit = self._tongue.units.get(of or "")
        return unit if unit is not None and unit.measure in _MONEY else None

    def _unit(self, at: int) -> tuple[Unit | None, int]:
        tokens, tongue = self._tokens, self._tongue
        while at < len(tokens) and tokens[at].raw in {"-", "+"}:
            at += 1
        if at >= len(tokens):
            return None, at
        raw = tokens[at].raw
        if raw in _CURRENCIES:
            return Unit(_CURRENCIES[raw], Fraction(1)), at + 1
        if raw == "\u00b0" and at + 1 < len(tokens):
            of = tongue.signs.get(f"\u00b0{tokens[at + 1].raw}")
            return (tongue.units[of], at + 2) if of else (None, at)
        phrase = self._phrases.get(at)
        if phrase is not None:
            for tag in phrase.tags:
                if tag.kind == "unit":
                    return tongue.units[tag.of], at + 1 + len(phrase.rest)
        of = tongue.signs.get(raw) or tongue.signs.get(tokens[at].text)
        return (tongue.units[of], at + 1) if of else (None, at)


def _completes(tens: Fraction, ones: Fraction) -> bool:
    """Whether `ones` may follow `tens` in one number: "twenty five"."""
    return tens >= _TWENTY and tens % 10 == 0 and 0 < ones < 10  # noqa: PLR2004


def _closed(total: Fraction, group: Fraction, scale: Fraction) -> tuple[Fraction, Fraction]:
    """`thousand` and more multiply all smaller that stands before them."""
    if total < scale:
        return ((total + group) or Fraction(1)) * scale, Fraction(0)
    return total + (group or Fraction(1)) * scale, Fraction(0)
