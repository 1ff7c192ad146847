"""What a role may do, whose books it sees, and what it may give. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec.structs import replace

from pointsman.errors import Forbidden
from pointsman.types import Deployment, Filter, Grant, Principal, PrivacyWish, Role, Scope, Target

#: What a path asks of who calls it: nothing; to call models; to read books; to manage all of it.
Access: TypeAlias = Literal["open", "call", "read", "manage"]

ROLES: Mapping[Access, frozenset[Role]] = {
    "call": frozenset({"admin", "user"}),
    "read": frozenset({"admin", "user", "read-only"}),
    "manage": frozenset({"admin"}),
}
_DOES: Mapping[Access, str] = {
    "call": "call models",
    "read": "read the books",
    "manage": "manage the gateway",
}
#: Who asks on an open path: it has no books, and no key.
NOBODY = Principal("", "nobody", grant=Grant(role="read-only", everywhere=False))
#: How tight each is; what holds for everybody holds besides.
_PRIVACY: Mapping[PrivacyWish | None, int] = {
    None: 0,
    "off": 0,
    "secrets": 1,
    "personal": 2,
    "local": 3,
}


#: What a key of a member's may do, by the member's role and the key's own; nothing where it is none
#: of these: who calls no models does not begin to because somebody's role was changed.
_OF_MEMBERS: Mapping[tuple[Role, Role], Role] = {
    ("admin", "admin"): "admin",
    ("admin", "user"): "user",
    ("admin", "read-only"): "read-only",
    ("user", "admin"): "user",
    ("user", "user"): "user",
    ("read-only", "admin"): "read-only",
    ("read-only", "user"): "read-only",
    ("read-only", "read-only"): "read-only",
}


def as_members(member: Role, key: Role) -> Role | None:
    """The role of a member's key that was made with the role `key`; None where it has none."""
    return _OF_MEMBERS.get((member, key))


def require(principal: Principal, access: Access) -> None:
    """Raises Forbidden where the principal's role may not do that."""
    if access == "open":
        return
    role = principal.grant.role
    if role not in ROLES[access]:
        raise Forbidden(f"a key of the role `{role}` may not {_DOES[access]}")


def require_everywhere(principal: Principal, what: str) -> None:
    """Raises Forbidden for who is confined to an organisation: `what` concerns all of them."""
    if not principal.grant.everywhere:
        raise Forbidden(f"{what} concerns all organisations; this key is confined to one")


def scope_of(principal: Principal) -> Scope:
    """Whose books the principal sees: everybody's, its organisation's, or its own key's."""
    if principal.grant.role == "user":
        return Scope(principal.organisation, principal.key)
    return Scope() if principal.grant.everywhere else Scope(principal.organisation)


def narrowed(which: Filter, scope: Scope) -> Filter:
    """`which` within the scope. Raises Forbidden where it asks for what lies outside."""
    return replace(
        which,
        organisation=_within(which.organisation, scope.organisation, "organisation"),
        key=_within(which.key, scope.key, "key"),
    )


def may_ask(grant: Grant, target: Target) -> bool:
    """Whether who has this grant may ask for it: by its name, or else for each that it names."""
    routes = grant.routes
    if routes is None or target.name in routes:
        return True
    return bool(target.groups) and routes.issuperset(target.deployments)


def shows(grant: Grant, target: Target, named: Collection[Deployment]) -> bool:
    """Whether a model's name is in the lists for who has this grant.

    `target` is what the name stands for; `named` are the deployments that it names, if it names
    any: one that may be used will do.
    """
    if not may_ask(grant, target):
        return False
    if named:
        return any(
            (grant.models is None or each.id in grant.models)
            and (grant.tiers is None or each.tier in grant.tiers)
            for each in named
        )
    return target.kind != "tier" or grant.tiers is None or target.name in grant.tiers


def may_see(principal: Principal, deployment: Deployment, lists: Collection[str] = ()) -> bool:
    """Whether that is a deployment which the principal may use; an admin sees all of its own.

    A route leads to what it names; `auto` leads anywhere. `lists` are the aliases of several
    deployments that name this one. What is another organisation's is seen by
    those alone who are confined to none.
    """
    grant = principal.grant
    if not grant.everywhere and not deployment.is_for(principal.organisation):
        return False
    if grant.role == "admin":
        return True
    routes = grant.routes
    return (
        (grant.models is None or deployment.id in grant.models)
        and (grant.tiers is None or deployment.tier in grant.tiers)
        and (
            routes is None
            or bool(routes & {"auto", deployment.location, deployment.tier, deployment.id, *lists})
        )
    )


def excess(given: Grant, own: Grant) -> str | None:
    """What `given` allows and `own` does not, by its member's name; None where nothing."""
    if given.everywhere and not own.everywhere:
        return "everywhere"
    lists = (
        ("models", given.models, own.models),
        ("tiers", given.tiers, own.tiers),
        ("routes", given.routes, own.routes),
    )
    for name, theirs, mine in lists:
        if mine is not None and (theirs is None or not theirs <= mine):
            return name
    if _PRIVACY[given.privacy] < _PRIVACY[own.privacy]:
        return "privacy"
    bounds = _bounds(own)
    for name, bound in _bounds(given).items():
        most = bounds[name]
        if most is not None and (bound is None or bound > most):
            return name
    bounded = own.budgets.per_day is not None or own.budgets.per_month is not None
    unpriced = given.budgets.allow_unpriced and not own.budgets.allow_unpriced
    return "budgets.allow_unpriced" if bounded and unpriced else None


def _bounds(grant: Grant) -> Mapping[str, Decimal | int | None]:
    limits, budgets = grant.limits, grant.budgets
    return {
        "limits.requests_per_minute": limits.requests_per_minute,
        "limits.tokens_per_minute": limits.tokens_per_minute,
        "limits.concurrent": limits.concurrent,
        "budgets.per_day": budgets.per_day,
        "budgets.per_month": budgets.per_month,
    }


def _within(asked: str | None, own: str | None, what: str) -> str | None:
    if asked is not None and own is not None and asked != own:
        raise Forbidden(f"this key sees only the books of its own {what}")
    return asked if own is None else own
