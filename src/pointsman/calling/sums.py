"""Recomputes the sums that a text writes out. Pure; linear in the text."""

from __future__ import annotations

import re

import msgspec

#: Sums of one text that are recomputed at most.
MOST = 60

_NUMBER = r"\$?\d[\d,]{0,20}(?:\.\d{1,12})?%?"
_OPERATOR = r"\s?(?:[-+*/x\u00d7÷·\u2212]|\\times|\\cdot|\\div)\s?"
_SUM = re.compile(rf"({_NUMBER}(?:{_OPERATOR}{_NUMBER}){{1,8}})\s?=\s?(-?{_NUMBER})")
_TOKEN = re.compile(rf"{_NUMBER}|\\[a-z]+|[-+*/x\u00d7÷·\u2212]")
_TIMES = {"*", "x", "\u00d7", "·", "\\times", "\\cdot"}
_OVER = {"/", "÷", "\\div"}
#: Signs that, before or after a sum, make it part of something larger.
_BEFORE = "+-*/\u00d7÷·\u2212^(<>{\\_"
_AFTER = "+-*/\u00d7÷·\u2212^(\\{"


class Sums(msgspec.Struct, frozen=True):
    """How many sums were written out and recomputed, and how many of them are wrong."""

    checked: int
    wrong: int


def check_sums(text: str) -> Sums:
    """Recompute what stands as `12 * 3 + 4 = 40`; what holds unknowns or brackets is left out."""
    checked = wrong = 0
    for match in _SUM.finditer(text) if "=" in text else ():
        if checked == MOST:
            break
        if _is_part(text, match.start(), match.end()):
            continue
        value = _value(match[1])
        if value is not None:
            checked += 1
            wrong += not _agrees(value, match[2], exact=value.is_integer())
    return Sums(checked, wrong)


def _is_part(text: str, start: int, end: int) -> bool:
    """Whether what stands around a sum makes it a piece of a larger one."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    near = before.rstrip()
    touching = before[-1:].isalnum() or before[-1:] in (".", ")") or after[:1].isalnum()
    return touching or _any_of(near[-1:], _BEFORE) or _any_of(after.lstrip()[:1], _AFTER)


def _any_of(sign: str, signs: str) -> bool:
    return sign != "" and sign in signs


def _number(text: str) -> float:
    plain = float(text.strip("$%-").replace(",", ""))
    plain = plain / 100.0 if text.endswith("%") else plain
    return -plain if text.startswith("-") else plain


def _value(left: str) -> float | None:
    """The value, products before sums; None where it divides by zero."""
    tokens = _TOKEN.findall(left)
    terms = [_number(tokens[0])]
    for operator, written in zip(tokens[1::2], tokens[2::2], strict=False):
        number = _number(written)
        if operator in _TIMES:
            terms[-1] *= number
        elif operator in _OVER:
            if number == 0.0:
                return None
            terms[-1] /= number
        else:
            terms.append(number if operator == "+" else -number)
    return sum(terms)


def _agrees(value: float, written: str, *, exact: bool) -> bool:
    """Whether `written` is the value, or the value rounded as it is written."""
    number = _number(written)
    decimals = len(written.rstrip("%").partition(".")[2])
    unit = 10.0**-decimals
    slack = 1e-6 * max(1.0, abs(value)) if exact else 1.01 * unit + 0.005 * abs(value)
    candidates = (number, number * 100.0 if written.endswith("%") else number)
    return any(abs(value - candidate) <= slack for candidate in candidates)
