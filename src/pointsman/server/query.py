"""What a path's query may say, checked. All raise BadRequest that names the parameter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar, get_args

from pointsman.access.permissions import narrowed, scope_of
from pointsman.errors import BadRequest
from pointsman.ledger.analytics import GROUPINGS
from pointsman.ledger.pages import Cursor
from pointsman.server.http import Incoming, Query
from pointsman.types import CacheState, Filter, Outcome

#: What `filter_of` reads.
FILTERS = (
    *("since", "until", "organisation", "key", "user"),
    *("deployment", "tier", "outcome", "cache", "model"),
)
_PAGE = 50
_LONGEST_PAGE = 1000
#: Days are reckoned with: no time is so near to the end of all times that there is none after it.
_LAST_YEAR = 9998
_OUTCOMES: Mapping[str, Outcome] = {word: word for word in get_args(Outcome)}
_STATES: Mapping[str, CacheState] = {word: word for word in get_args(CacheState)}
_T = TypeVar("_T")


def check_names(query: Query, known: Collection[str]) -> None:
    """Refuse what would select something else than is meant: what is unknown, empty or repeated.

    And NUL.
    """
    for name in query.repeated:
        raise BadRequest(
            f"`{name[:64]}` is there more than once; ask once for each value", param=name[:64]
        )
    for name, value in query.items():
        if name not in known:
            names = ", ".join(f"`{each}`" for each in known) or "none"
            raise BadRequest(
                f"there is no parameter {name[:64]!r} here; there are: {names}", param=name[:64]
            )
        if not value:
            raise BadRequest(f"`{name}` is empty", param=name)
        if "\0" in value:
            raise BadRequest(f"`{name}` can't be stored: it has a NUL", param=name)


def filter_of(query: Mapping[str, str]) -> Filter:
    """Which entries are meant."""
    return Filter(
        since=time_of(query, "since"),
        until=time_of(query, "until"),
        organisation=query.get("organisation"),
        key=query.get("key"),
        user=query.get("user"),
        deployment=query.get("deployment"),
        served_tier=query.get("tier"),
        outcome=_word(query, "outcome", _OUTCOMES),
        cache=_word(query, "cache", _STATES),
        model_asked=query.get("model"),
    )


def which_of(incoming: Incoming, *others: str) -> Filter:
    """Which entries are meant, of those that who asks may see. `others`: more that the query may say.

    Raises Forbidden, too.
    """
    check_names(incoming.query, (*FILTERS, *others))
    return narrowed(filter_of(incoming.query), scope_of(incoming.principal))


def groupings_of(query: Mapping[str, str], usual: Sequence[str]) -> Sequence[str]:
    """What `by` names, separated by commas."""
    text = query.get("by")
    if text is None:
        return usual
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in GROUPINGS:
            known = ", ".join(f"`{each}`" for each in GROUPINGS)
            raise BadRequest(f"`by` is one or several of {known}", param="by")
    return names


def cursor_of(query: Mapping[str, str]) -> Cursor | None:
    """Where the page begins, as the last one said it in `next`."""
    text = query.get("cursor")
    if text is None:
        return None
    try:
        return Cursor.read(text)
    except ValueError as error:
        raise BadRequest(
            "`cursor` must be the `next` of the page before", param="cursor"
        ) from error


def limit_of(query: Mapping[str, str]) -> int:
    """How many are wanted."""
    return number_of(query, "limit", usual=_PAGE, most=_LONGEST_PAGE)


def number_of(query: Mapping[str, str], name: str, *, usual: int, most: int) -> int:
    """The whole number under that name, from 1 to `most`."""
    text = query.get(name)
    if text is None:
        return usual
    if (
        len(text) > len(str(most))
        or not text.isascii()
        or not text.isdigit()
        or not 1 <= int(text) <= most
    ):
        raise BadRequest(f"`{name}` must be a whole number from 1 to {most}", param=name)
    return int(text)


def time_of(query: Mapping[str, str], name: str) -> datetime | None:
    """The time under that name in UTC, where there is one; in UTC where it has no zone, as days are in the books."""
    text = query.get(name)
    if text is None:
        return None
    try:
        stated = datetime.fromisoformat(text.replace(" ", "+"))
        time = (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        time = None
    if time is None or not 1 < time.year <= _LAST_YEAR:
        raise BadRequest(f"`{name}` must be a time such as 2026-11-21T10:00:00Z", param=name)
    return time


def _word(query: Mapping[str, str], name: str, words: Mapping[str, _T]) -> _T | None:
    text = query.get(name)
    if text is None:
        return None
    if text not in words:
        known = ", ".join(f"`{each}`" for each in words)
        raise BadRequest(f"`{name}` is one of {known}", param=name)
    return words[text]
