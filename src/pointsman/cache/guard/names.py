"""The names of a text: known ones, and what its capitals give away."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from pointsman.cache.guard.lists import Phrase, Tongue
from pointsman.cache.guard.tokens import Token

_STARTS = frozenset('.?!:;\u2026\n"\u201c\u201d()*-\u3002')
_SHOUTED = 0.6  # a text with so many words in capitals says nothing by them
_FEW = 4
_PIECE = 2  # letters of a part of a word that is no name by itself
#: Languages that capitalise every noun, or nothing.
_NO_CAPITALS = frozenset({"de", "hi", "zh"})


class Name(NamedTuple):
    """Somebody or something by name."""

    #: Which entries of the lists it may be; empty for one they don't know.
    known: frozenset[str]
    #: Its words, folded.
    words: tuple[str, ...]
    #: Whether it may be no name at all.
    loose: bool
    #: Whether it is one that a prompt can't do without: not a term by its initials.
    sure: bool
    #: Where it starts, in tokens.
    start: int


def names(
    tokens: Sequence[Token],
    named: Mapping[int, Phrase],
    others: Container[int],
    tongue: Tongue,
    language: str,
) -> tuple[Name, ...]:
    """The names in order of their place.

    `named` are the phrases that are names, by the token where they start; at `others` are words
    that are none whatever their capitals.
    """
    known = dict(_known(tokens, named, tongue))
    taken = {
        at for name in known.values() for at in range(name.start, name.start + len(name.words))
    }
    guessed = [
        name for name in _capitalised(tokens, taken, tongue, language) if name.start not in others
    ]
    if not guessed:
        return tuple(known.values())
    return tuple(sorted([*known.values(), *guessed], key=lambda name: name.start))


def _known(
    tokens: Sequence[Token], named: Mapping[int, Phrase], tongue: Tongue
) -> Iterator[tuple[int, Name]]:
    for at, phrase in named.items():
        words = (tokens[at].text, *phrase.rest)
        single = not phrase.rest
        if single and words[0] in tongue.function_words and not _is_capital(tokens[at]):
            continue
        common = single and words[0] in tongue.cased
        loose = common and (not _is_capital(tokens[at]) or _starts(tokens, at))
        entries = frozenset(tag.of for tag in phrase.tags if tag.kind == "name")
        sure = not (single and words[0] in tongue.implied)
        yield at, Name(entries, words, loose, sure=sure, start=at)


def _capitalised(
    tokens: Sequence[Token], taken: set[int], tongue: Tongue, language: str
) -> Iterator[Name]:
    """Runs of capitalised words that no list knows."""
    places = [
        at
        for at, token in enumerate(tokens)
        if token.kind == "word" and (token.raw != token.text or not token.raw.isalpha())
    ]
    words = sum(token.kind == "word" for token in tokens)
    capitals = sum(_is_capital(tokens[at]) for at in places)
    if words >= _FEW and capitals > _SHOUTED * words:
        return
    run: list[Token] = []
    start = end = 0
    for at in places:
        if at in taken or not _is_name(tokens, at, tongue, language):
            continue
        if run and at != end:
            yield _run(run, start)
            run = []
        if not run:
            start = at
        run.append(tokens[at])
        end = at + 1
    if run:
        yield _run(run, start)


def _run(run: Sequence[Token], start: int) -> Name:
    """A name of one or several words; one in capitals throughout may be a mere term."""
    sure = any(token.raw[1:].islower() for token in run)
    return Name(
        frozenset(), tuple(token.text for token in run), loose=False, sure=sure, start=start
    )


def _is_name(tokens: Sequence[Token], at: int, tongue: Tongue, language: str) -> bool:
    token = tokens[at]
    raw = token.raw
    if token.kind != "word" or len(raw) == 1 or "'" in raw:
        return False
    if token.text in tongue.function_words or token.text in tongue.signs:
        return False
    if len(raw) <= _PIECE and _hyphened(tokens, at):  # Wi-Fi
        return False
    if raw[1:] != raw[1:].lower():  # NASA, GitHub, iPhone
        return True
    if any(map(str.isdigit, raw)):
        return True
    return raw[0].isupper() and language not in _NO_CAPITALS and not _starts(tokens, at)


def _is_capital(token: Token) -> bool:
    return token.raw[0].isupper()


def _hyphened(tokens: Sequence[Token], at: int) -> bool:
    beside = tokens[max(0, at - 1) : at + 2 : 2] if at else tokens[1:2]
    return any(token.raw == "-" for token in beside)


def _starts(tokens: Sequence[Token], at: int) -> bool:
    """Whether a sentence starts at `at`, so that a capital there says nothing."""
    return at == 0 or tokens[at - 1].raw in _STARTS
