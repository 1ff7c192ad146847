"""Passwords and tokens that are called so, in prose, settings, code, addresses and tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from pointsman.routing.privacy.values import (
    is_password,
    is_strong_password,
    is_token,
    looks_random,
    may_be_password,
    trim,
)
from pointsman.routing.privacy.view import Span, View

#: What links a name to its value: "password = ", "la clave es ", "пароль: ".
_LINK = (
    r"(?:\s{0,3}(?:===?|=>|->|:=|:|=|→|\|)|"
    r"\s{1,3}(?:is|was|to|ist|lautet|war|auf|est|était|c['\u2019]est|es|era|para|è|é|är|er|wynosi|это|-)"
    r"(?=\s)|\s{0,2}(?:是|为|は|が|है|은|는))"
)
_CLOSE = r"[\"'`\])}*>“”»\\]{0,4}"
_OPEN = r"\s{0,12}(?P<open>[\"'`“„«(\[\\]{0,3})"
_VALUE = r"(?P<value>[^\s\"'`“”]{6,256}+)"
_NEXT = re.compile(_CLOSE + _LINK + _OPEN + _VALUE)
#: With up to eight words between: "the password for the staging server is".
_LATER = re.compile(_CLOSE + r"(?:[ \t]{1,2}[^\s:=]{1,32}+){1,8}?" + _LINK + _OPEN + _VALUE)
#: With nothing but a blank or a tag's end between: "Bearer ", "<password>".
_BARE = re.compile(r"(?P<open>[\"'`)\]]{0,2}[ \t>\"'`,]{1,3})" + _VALUE)
#: Something else comes first: "login: bob / ".
_LIST = re.compile(_CLOSE + r"(?:" + _LINK + r"|\s?\()")
_WORD = re.compile(r"[^\s\"'`“”]{8,256}+")
#: Where the next member of a query or a closing tag begins.
_END = re.compile(r"&\w+=|</")
_DIGIT = re.compile(r"[0-9]")
#: How far behind its name a value is looked for, and how far before it what qualifies the name.
_FAR, _LISTED, _LEAD = 160, 80, 16
_DELIMITERS = ("\t", ";", "|", ",")
#: Of a table: rows under the head in which the first value must be, and the longest head and cell.
_ROWS, _WIDEST_HEAD, _WIDEST_CELL = 5, 400, 32
#: Signs of a row that are read.
_WIDEST_ROW = 8 * _WIDEST_HEAD


class _Family(msgspec.Struct, frozen=True):
    """The names of one sort of secret, and what its values look like."""

    #: Cheap to look for; `name` has the last word, from where the stem begins.
    stems: tuple[str, ...]
    name: re.Pattern[str]
    #: A value right behind the name, in quotes or not; a value further on; one after another.
    near: Callable[[str, bool], bool]
    far: Callable[[str], bool]
    listed: Callable[[str], bool] = is_strong_password
    #: What must stand right before a stem that is also an ordinary word; empty: anything may.
    after: tuple[str, ...] = ("",)


def _password(value: str, quoted: bool) -> bool:  # noqa: FBT001
    return may_be_password(value, quoted=quoted)


def _strong(value: str, quoted: bool) -> bool:  # noqa: FBT001
    del quoted
    return is_password(value)


def _token(value: str, quoted: bool) -> bool:  # noqa: FBT001
    del quoted
    return is_token(value)


_PASSWORDS = _Family(
    (
        *("pass", "pw", "kennwort", "mdp", "contrase", "clave", "senha", "wachtw", "parola"),
        *("identified by", "hasło", "lösen", "пароль", "パスワード", "密码", "密碼", "口令"),
        *("비밀번호", "पासवर्ड"),
    ),
    re.compile(
        r"(?:pass(?:w(?:or[dt]e?|d)|phrase|code|e(?<=de passe)|[ ]-p)?|pwd?|identified by|kennwort|"
        r"mdp|contrase(?:ñ|n|nh)a|clave|senha|wachtwoord|parola(?: d'ordine| chiave)?|hasło|lösenord|"
        r"пароль|パスワード|密码|密碼|口令|비밀번호|पासवर्ड)s?(?![a-zß-ÿ])"
    ),
    _password,
    is_password,
)
_LOGINS = _Family(
    ("cred", "login", "zugang", "identifiant"),
    re.compile(r"(?:creds|login|credential|zugang|identifiant|credenc|credenz)[a-zß-ÿ]{0,8}"),
    _strong,
    is_password,
)
_TOKENS = _Family(
    (
        *("secret", "token", "bearer", "geheim", "segre", "jeton", "auth", "密钥", "令牌"),
        *("トークン", "токен", "ключ", "キー"),
    ),
    re.compile(r"[\w-]{2,40}"),
    _token,
    looks_random,
    looks_random,
)
_KEYS = _Family(
    ("key", "clé", "schlüssel", "llave", "clave", "chiave", "chave", "sleutel", "klucz"),
    re.compile(r"[\w-]{3,24}"),
    _token,
    looks_random,
    looks_random,
    (
        *(
            "api",
            "secret",
            "access",
            "private",
            "auth",
            "encryption",
            "signing",
            "master",
            "account",
        ),
        *("shared", "license", "licence", "client", "service", "deploy", "app", "consumer"),
        *("webhook", "server", "subscription", "admin", "storage", "ssh", "wallet", "zugriffs"),
        *("sicherheits", "zugangs", "my", "our", "the", "this", "la", "votre", "ma", "notre", "el"),
        *("un", "una", "minha", "a", "sua", "mia", "tua", "dein", "mein", "ihr", "der", "den"),
    ),
)


def find_passwords(view: View) -> Iterator[Span]:
    """What is called a password, or stands among credentials, and looks like one."""
    yield from _find(view, _PASSWORDS)
    yield from _find(view, _LOGINS)


def find_tokens(view: View) -> Iterator[Span]:
    """What is called a token, a secret or a key, and spells nothing."""
    if view.long_tokens:
        yield from _find(view, _TOKENS)
        yield from _find(view, _KEYS)


def _find(view: View, family: _Family) -> Iterator[Span]:
    reached: dict[tuple[str, int], int] = {}
    for place in _places(view.low, family):
        yield from _values(view, family, place, reached)


def _places(low: str, family: _Family) -> Iterator[int]:
    """Where a name of the family may begin."""
    for stem in family.stems:
        place = low.find(stem)
        while place >= 0:
            if low[max(0, place - _LEAD) : place].rstrip("-_ .").endswith(family.after):
                yield place
            place = low.find(stem, place + len(stem))


def _values(
    view: View, family: _Family, place: int, reached: dict[tuple[str, int], int]
) -> Iterator[Span]:
    """The values that belong to a name, where one begins here."""
    low = view.low
    name = family.name.match(low, place)
    if name is None:
        return
    end = name.end()
    if found := _NEXT.match(low, end):
        value, quoted = _value(view, found)
        # as a file of settings or a shell has it, where letters alone are no variable
        stated = found.group().startswith("=" + value[:1].lower()) and value.isalpha()
        stated &= view.text[place:end].isupper()
        if family.near(value, quoted or stated):
            yield found.span("value")
    if not _DIGIT.search(low, end, end + _FAR):
        return
    if (found := _BARE.match(low, end)) and _bare(view, family, place, found):
        yield found.span("value")
    if name.group() != "pass" and (found := _LATER.match(low, end)):
        value, _ = _value(view, found)
        if family.far(value):
            yield found.span("value")
    yield from _in_list(view, family, end)
    yield from _in_table(view, family, place, reached)


def _value(view: View, found: re.Match[str]) -> tuple[str, bool]:
    """The value as it was written, and whether it stands in quotes."""
    value = view.text[slice(*found.span("value"))]
    return trim(_END.split(value, maxsplit=1)[0]), bool(found["open"].strip(" \t([>,"))


def _bare(view: View, family: _Family, place: int, found: re.Match[str]) -> bool:
    """A value with no link before it has to be strong, but in a tag, an option or quotes."""
    value, quoted = _value(view, found)
    named = ">" in found["open"] or view.text[max(0, place - 2) : place] == "--"
    named |= view.low.startswith("bearer", place)
    return family.near(value, quoted) if named else family.far(value)


def _in_list(view: View, family: _Family, end: int) -> Iterator[Span]:
    """What follows among other things: "bob / ...", "('bob', '...')"."""
    link = _LIST.match(view.low, end)
    if link is not None:
        for word in _WORD.finditer(view.text, link.end(), link.end() + _LISTED):
            if family.listed(trim(word.group())):
                yield word.span()


def _in_table(
    view: View, family: _Family, place: int, reached: dict[tuple[str, int], int]
) -> Iterator[Span]:
    """The cells of the column that the name heads.

    `reached` is how far columns were read by their delimiter and number: no row is read again.
    """
    text = view.text
    start = text.rfind("\n", max(0, place - _WIDEST_HEAD), place) + 1
    end = text.find("\n", place, place + _WIDEST_ROW)
    if place - start > _WIDEST_HEAD or end < 0:
        return
    head = text[start:end]
    for delimiter in _DELIMITERS:
        column = head[: place - start].count(delimiter)
        if delimiter not in head or len(head.split(delimiter)[column]) > _WIDEST_CELL:
            continue
        found = False
        for number, row in enumerate(_rows(text, end + 1, delimiter)):
            if number >= _ROWS and not (found and row > reached.get((delimiter, column), 0)):
                break
            if (cell := _cell(text, row, delimiter, column)) is None:
                continue
            if family.near(trim(text[slice(*cell)].strip()), False):
                found = True
                yield cell
            reached[delimiter, column] = max(row, reached.get((delimiter, column), 0))


def _rows(text: str, start: int, delimiter: str) -> Iterator[int]:
    """Where the lines of a table begin: the first ones anyway, then as long as they have columns."""
    number = 0
    while 0 < start < len(text):
        if number >= _ROWS and text.find(delimiter, start, start + _WIDEST_ROW) < 0:
            return
        yield start
        number += 1
        start = text.find("\n", start) + 1


def _cell(text: str, row: int, delimiter: str, column: int) -> Span | None:
    """Where the cell of a row lies; None where it has not so many."""
    end = text.find("\n", row, row + _WIDEST_ROW)
    cells = text[row : end if end >= 0 else row + _WIDEST_ROW].split(delimiter)
    if len(cells) <= column:
        return None
    start = row + sum(len(cell) + len(delimiter) for cell in cells[:column])
    return start, start + len(cells[column])
