"""Whether a value that stands where a secret would is one, or a placeholder, or code."""

from __future__ import annotations

import re
from itertools import pairwise

_SHORTEST_PASSWORD = 6
_SHORTEST_TOKEN = 16
_SHORTEST_HEX = 24
_FEWEST_SIGNS = 7
_FEWEST_DIGITS = 2
_MIXED = 4
_STRONG = 3
#: Of what follows a known prefix: this long, letters and digits that nothing parts are no name, and
#: from here on neither are letters alone.
_SHORTEST_RUN = 16
_LONGEST_WORD = 24
_FEWEST_RUN_SIGNS = 10
#: Names repeat their letters; who makes a key up runs through the alphabet and the digits.
_FEWEST_ALPHABET = 14
_FEWEST_ALPHABET_DIGITS = 4
#: Random letters and digits change between lower case, upper case and digits at every second place;
#: names made of words do so once a word.
_CHANGES = 0.2
_CHANGES_WITHOUT_DIGITS = 0.25
_CHANGES_OF_A_JUMBLE = 0.5

_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{24,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
#: Made of nothing but the words of examples. Atomic, so that no input is tried twice.
_PLACEHOLDER = re.compile(
    r"(?>my|your|the|some|an?|new|old|test|super|dummy|fake|example|sample|strong|secure|secret|"
    r"default|db|user(?:name)?|admin|root|guest|postgres|mysql|redis|change[-_]?(?:me|it|this)|"
    r"password|passwort|passwd|pass|pwd|token|key|api|value|string|text|placeholder|here|goes|"
    r"replace|insert|redacted|hidden|masked|none|null|true|false|undefined|required|optional|"
    r"min|max|length|nullable|confirmed|abc|xyz|foo|bar|baz|x+|1234?5?6?7?8?9?0?|[-_ .,:;|*<>{}$%#]|"
    r"dev|prod|staging|local|host|app|service|sk|pk|live|ant|proj|id|of|in|for|and)++\d{0,3}!?",
    re.IGNORECASE,
)
#: A template's field, a regular expression, a path or an address.
_TEMPLATE = re.compile(
    r"\$\{?(?-i:[A-Z_]+|[a-z_]+|[a-z]+(?:[A-Z][a-z]+)+)\d?\}?$|"
    r"\$\((?-i:[a-z_]+$|[a-z][\w ./-]*\)$)|<[\w /-]+>?$|\{\{|\{[\w.]+\}?$|%[({]?[a-z_]*[)}]?[sd]?$|"
    r"\^[\[(\\].*[\])}+*$]$|\(\?|.{0,40}(?:\\[dws]|\]\{|\]\+|://|\.\.\.|xxxx)|.{0,4}\*{3,}.{0,4}$|"
    r"[~.]{0,2}/[\w.-]+/|(?-i:[a-z]+(?:_[a-z]+)+|[A-Z]+(?:_[A-Z]+)+)\d?$|"
    r"[\w.+-]+@[\w-]+(?:\.[a-z]{2,12})+$|[a-z]+:[^:]*\|",
    re.IGNORECASE,
)
#: A variable or a call; in quotes it would be neither.
_CODE = re.compile(
    r"[A-Za-z_.]{3,}(?:\((?:$|[\w.,=( ]*\)+[;,]?$)|\[[\"'\w])|[a-z_]+\.[a-z_]+\(|\[[A-Za-z]|--|"
    r"(?:process|os|env|self|this|req|request|config|settings|secrets|vault|var|local|data)\.[a-z]|"
    r"[a-z_]+(?:\.[a-z_]+)+[,;)]*$",
    re.IGNORECASE,
)
_TECHNICAL = re.compile(
    r"(?:hmac|pbkdf|sha|md|aes|rsa|argon|base|utf|oauth|ipv|tls|ssl|ecdsa|ed|hs|rs|es|rfc|iso|cve|"
    r"bcrypt|scrypt|python|node|java|php|latin|windows|char|varchar|u?int|float)"
    r"[-_]?[\d.]+[a-z]{0,3}(?:[-_/][a-z0-9-]*)?$|v\d+(?:\.\d+)*$|[iu](?:8|16|32|64)$",
    re.IGNORECASE,
)
_RUN = re.compile(rf"[A-Za-z0-9]{{{_SHORTEST_RUN},}}")
_ONLY_FIGURES = re.compile(r"[\d.,:/+%-]*$")
_SPECIAL = re.compile(r"[^\w\s.,;:'\"()\[\]{}<>/\\-]")
_ANY_SPECIAL = re.compile(r"[^\w\s]|_")


def trim(value: str) -> str:
    """The value without the quotes and punctuation around it."""
    return value.strip("\"'`“”„\u2018\u2019«»,;").rstrip(".:)]}>").strip("\"'`")


def is_placeholder(value: str) -> bool:
    """Made of nothing but the words of examples."""
    return bool(_PLACEHOLDER.fullmatch(value)) or "xxxx" in value.lower()


def classes(value: str) -> int:
    """How many of lower case, upper case, digits and other signs there are."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + bool(_ANY_SPECIAL.search(value))
    )


def _changes(value: str) -> int:
    kinds = [c.isdigit() + 2 * c.isupper() for c in value if c.isalnum()]
    return sum(a != b for a, b in pairwise(kinds))


def looks_random(value: str, shortest: int = _SHORTEST_TOKEN) -> bool:
    """Letters and digits that spell nothing, by chance or made up as `abcdefghij0123456789`."""
    if len(value) < shortest or len(set(value)) < _FEWEST_SIGNS:
        return False
    if _UUID.fullmatch(value) or is_placeholder(value):
        return False
    digits = sum(c.isdigit() for c in value)
    if _HEX.fullmatch(value):
        return digits >= _FEWEST_DIGITS and any(c.isalpha() for c in value)
    if any(map(_is_alphabet, _RUN.findall(value))):
        return True
    if digits >= _FEWEST_DIGITS:
        return _changes(value) >= _CHANGES * len(value)
    return _changes(value) >= _CHANGES_WITHOUT_DIGITS * len(value)


def is_key_body(value: str) -> bool:
    """What follows a known prefix, and is no placeholder: that takes less than pure chance does.

    A key that someone made up (`abcdefghij0123456789`) counts: nobody can tell.
    """
    if len(set(value)) < _FEWEST_SIGNS or is_placeholder(value):
        return False
    return value.isupper() or _changes(value) >= _MIXED or any(map(_is_run, _RUN.findall(value)))


def _is_run(run: str) -> bool:
    """Whether letters and digits that nothing parts are too long for a word, and no pattern."""
    if len(set(run)) < _FEWEST_RUN_SIGNS or run.isdigit():
        return False
    return len(run) >= _LONGEST_WORD or not run.isalpha()


def _is_alphabet(run: str) -> bool:
    """Whether letters and digits run through many and repeat few."""
    digits = sum(c.isdigit() for c in run)
    return len(set(run)) >= _FEWEST_ALPHABET and _FEWEST_ALPHABET_DIGITS <= digits < len(run)


def may_be_password(value: str, *, quoted: bool = False) -> bool:
    """Something that a person would take for a password, given that it is called one."""
    if len(value) < _SHORTEST_PASSWORD or _is_other(value) or (not quoted and _CODE.match(value)):
        return False
    digit, letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if digit and not letter:
        return value.isdigit() or bool(_SPECIAL.search(value))
    if digit or (letter and _SPECIAL.search(value.rstrip("!?"))):
        return True
    return value.isalpha() and (quoted or _is_jumble(value))


def _is_jumble(value: str) -> bool:
    """Letters that change their case too often for a name that is put together of words."""
    return len(value) > _FEWEST_SIGNS and _changes(value) >= _CHANGES_OF_A_JUMBLE * len(value)


def is_token(value: str) -> bool:
    """What is called a key or a token may also be a UUID, which is none elsewhere."""
    return looks_random(value) or bool(_UUID.fullmatch(value))


def is_password(value: str) -> bool:
    """Strong enough to be a password wherever it stands near the word."""
    long_enough = len(value) > _FEWEST_SIGNS and not _is_other(value) and not _CODE.match(value)
    figures = any(c.isdigit() for c in value)
    return long_enough and figures and classes(value) >= _STRONG and _changes(value) > 1


def is_strong_password(value: str) -> bool:
    """So mixed that it can hardly be anything else."""
    mixed = bool(_ANY_SPECIAL.search(value)) and _changes(value) >= _MIXED
    return is_password(value) and (mixed or bool(_SPECIAL.search(value)))


def _is_other(value: str) -> bool:
    return bool(
        _PLACEHOLDER.fullmatch(value)
        or _TEMPLATE.match(value)
        or _TECHNICAL.match(value)
        or (_ONLY_FIGURES.match(value) and not value.isdigit())
    )
