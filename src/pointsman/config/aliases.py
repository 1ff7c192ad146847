"""`[aliases]`: other names, and names for several deployments together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

#: Deployments in the order in which they are tried; those of an inner list share the load.
Listed: TypeAlias = tuple[str | tuple[str, ...], ...]


def _shaped(value: object) -> object:
    """Raises ValueError for what is neither a name nor a list of them."""
    for alias, to in value.items() if isinstance(value, Mapping) else ():
        if isinstance(to, str):
            continue
        if not isinstance(to, list | tuple) or not all(map(_is_group, to)):
            raise ValueError(
                f"[aliases] {alias!r}: give a name, or a list of deployments in the order in which "
                'they are tried, as in [["gpt-4o", "gpt-4o-2"], "claude"]; an inner list shares the '
                "load"
            )
    return value


def _is_group(value: object) -> bool:
    inner = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(each, str) for each in inner)


#: By what a client asks for: what it gets.
Aliases: TypeAlias = Annotated[dict[str, str | Listed], BeforeValidator(_shaped)]


def groups(listed: Listed) -> tuple[tuple[str, ...], ...]:
    """The list with each of its members as a group."""
    return tuple((each,) if isinstance(each, str) else each for each in listed)


def check(
    aliases: Mapping[str, str | Listed], models: Collection[str], routes: Collection[str]
) -> None:
    """Raises ValueError where an alias names what is not there.

    `routes` are the tiers, and the names that route by themselves.
    """
    for alias, to in aliases.items():
        if not isinstance(to, str):
            _check_listed(alias, groups(to), aliases, models, routes)
        elif to not in routes and to not in models:
            raise ValueError(f"[aliases] {alias!r}: no deployment, tier or route {to!r}")


def _check_listed(
    alias: str,
    stated: tuple[tuple[str, ...], ...],
    aliases: Collection[str],
    models: Collection[str],
    routes: Collection[str],
) -> None:
    if not stated or not all(stated):
        raise ValueError(f"[aliases] {alias!r}: a list in it is empty; name a deployment at least")
    named = Counter(name for group in stated for name in group)
    for name, times in named.items():
        if times > 1:
            raise ValueError(f"[aliases] {alias!r}: it names {name!r} more than once")
        if name in models:
            continue
        if name in routes:
            raise ValueError(
                f"[aliases] {alias!r}: {name!r} is a tier or a route; lists name deployments"
            )
        if name in aliases:
            raise ValueError(f"[aliases] {alias!r}: {name!r} is an alias; lists name deployments")
        there = ", ".join(models)
        raise ValueError(
            f"[aliases] {alias!r}: there is no deployment {name!r}; there are: {there}"
        )
