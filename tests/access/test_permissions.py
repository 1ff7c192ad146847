"""Roles, and whose books each sees."""

from typing import get_args

import pytest

from pointsman.access.permissions import (
    NOBODY,
    ROLES,
    Access,
    narrowed,
    require,
    require_everywhere,
    scope_of,
    shows,
)
from pointsman.errors import Forbidden
from pointsman.types import (
    ALL_ENTRIES,
    EVERYWHERE,
    Deployment,
    Filter,
    Grant,
    Principal,
    Role,
    Scope,
    Target,
)


def who(role: Role, *, everywhere: bool = False) -> Principal:
    return Principal("acme", "pm_aaaaaaaa", grant=Grant(role, everywhere))


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("access", get_args(Access))
def test_what_a_role_may_do(role: Role, access: Access) -> None:
    if access == "open" or role in ROLES[access]:
        require(who(role), access)
    else:
        with pytest.raises(Forbidden, match=f"role `{role}` may not"):
            require(who(role), access)


def test_whose_books_are_seen() -> None:
    assert scope_of(Principal()) == EVERYWHERE
    assert scope_of(who("read-only", everywhere=True)) == EVERYWHERE
    assert scope_of(who("admin")) == scope_of(who("read-only")) == Scope("acme")
    assert scope_of(who("user")) == Scope("acme", "pm_aaaaaaaa")
    assert scope_of(who("user", everywhere=True)) == Scope("acme", "pm_aaaaaaaa")
    assert scope_of(NOBODY) == Scope("")


def test_a_filter_stays_within_the_scope() -> None:
    acme, own = Scope("acme"), Scope("acme", "pm_aaaaaaaa")

    assert narrowed(ALL_ENTRIES, EVERYWHERE) == ALL_ENTRIES
    assert narrowed(Filter(organisation="globex"), EVERYWHERE) == Filter(organisation="globex")
    assert narrowed(ALL_ENTRIES, acme) == Filter(organisation="acme")
    assert narrowed(Filter(key="pm_b"), acme) == Filter(organisation="acme", key="pm_b")
    assert narrowed(ALL_ENTRIES, own) == Filter(organisation="acme", key="pm_aaaaaaaa")
    for which in (Filter(organisation="globex"), Filter(organisation="acme", key="pm_b")):
        with pytest.raises(Forbidden):
            narrowed(which, own)


def test_what_concerns_everybody() -> None:
    require_everywhere(Principal(), "it")
    with pytest.raises(Forbidden, match="it concerns all"):
        require_everywhere(who("admin"), "it")


def test_which_names_a_key_is_shown() -> None:
    weak = Deployment(id="weak", model="w", tier="simple", location="local", provider="scripted")
    auto, simple, named = (
        Target("auto", "auto"),
        Target("tier", "simple"),
        Target("deployment", "weak"),
    )

    def shown(**grant: object) -> list[bool]:
        lists = Grant(**{name: frozenset(names) for name, names in grant.items()})
        return [
            shows(lists, auto, []),
            shows(lists, simple, []),
            shows(lists, named, [weak]),
        ]

    assert shown() == [True, True, True]
    assert shown(routes=["auto"]) == [True, False, False]
    assert shown(models=["strong"]) == [True, True, False]
    assert shown(tiers=["complex"]) == [True, False, False]
    assert shown(tiers=["simple"], models=["weak"]) == [True, True, True]
