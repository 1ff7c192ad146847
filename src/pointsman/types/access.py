"""Who may do what, how much of it, and what is left."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

#: `admin` manages keys, reads and calls; `user` calls and reads what it did itself; `read-only`
#: reads the books of its organisation and calls nothing.
Role: TypeAlias = Literal["admin", "user", "read-only"]
#: Whose limits and budgets: a key's, an organisation's, or those of an end user of one.
SubjectKind: TypeAlias = Literal["key", "organisation", "user"]
#: A budget's window, in UTC.
Period: TypeAlias = Literal["day", "month"]
#: What a prompt may at most be looked at for; see `routing.confine`.
PrivacyWish: TypeAlias = Literal["off", "secrets", "personal", "local"]


class Limits(msgspec.Struct, frozen=True):
    """How much at a time; None is without limit."""

    requests_per_minute: int | None = None
    #: Input and output together.
    tokens_per_minute: int | None = None
    #: Requests that are open at the same time, streams until their end.
    concurrent: int | None = None


class Budgets(msgspec.Struct, frozen=True):
    """US dollars; None is without bound."""

    per_day: Decimal | None = None
    per_month: Decimal | None = None
    #: Let through what has no known price, though it counts in no sum; None is not said, and no.
    allow_unpriced: bool | None = None


class Grant(msgspec.Struct, frozen=True):
    """What a key may do. The default is all: for who asks before there is any key."""

    role: Role = "admin"
    #: Not confined to its organisation.
    everywhere: bool = True
    #: Deployments that may serve it; None is all.
    models: frozenset[str] | None = None
    #: Tiers that may serve it; None is all.
    tiers: frozenset[str] | None = None
    #: What it may ask for, by name: `auto`, `local`, `cloud`, a tier, a deployment; None is all.
    routes: frozenset[str] | None = None
    #: It can only tighten what holds for everybody.
    privacy: PrivacyWish | None = None
    limits: Limits = Limits()
    budgets: Budgets = Budgets()


class Key(msgspec.Struct, frozen=True):
    """An API key, without what is secret of it."""

    #: Also its public prefix: `pm_` and eight characters.
    id: str
    #: What people call it.
    name: str
    organisation: str
    grant: Grant
    created: datetime
    #: None is never.
    expires: datetime | None = None
    active: bool = True
    #: Until when the one that it was rotated from is valid; None where there is none.
    grace_until: datetime | None = None
    #: The id of the member whose it is: it may do no more than they. None where it is nobody's.
    member: str | None = None


class StoredKey(msgspec.Struct, frozen=True):
    """A key as it is stored."""

    key: Key
    #: SHA-256 of the whole key, 32 bytes.
    digest: bytes
    #: Of the one that it was rotated from; valid until `key.grace_until`.
    previous: bytes | None = None


class Subject(msgspec.Struct, frozen=True):
    """Whose requests are counted together."""

    kind: SubjectKind
    organisation: str
    #: The key's id or the end user's name; empty for an organisation.
    name: str = ""

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.kind} {self.name or self.organisation}"


class Allowance(msgspec.Struct, frozen=True):
    """What a subject may use."""

    subject: Subject
    limits: Limits = Limits()
    budgets: Budgets = Budgets()


class Standing(msgspec.Struct, frozen=True):
    """What is left of the tightest limits of a request, for its `x-ratelimit-*` headers.

    None where there is no such limit.
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    #: Seconds until all of it is there again.
    reset_requests_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None


class Budget(msgspec.Struct, frozen=True):
    """How much money a subject may spend in one window."""

    subject: Subject
    period: Period
    #: US dollars.
    limit: Decimal


class Balance(msgspec.Struct, frozen=True):
    """How a budget stands."""

    budget: Budget
    #: US dollars, settled.
    spent: Decimal
    #: US dollars that open requests may still cost.
    reserved: Decimal
    #: When the window ends and the next begins.
    until: datetime

    @property
    def left(self) -> Decimal:
        """US dollars that may still be reserved; below zero where more was spent."""
        return self.budget.limit - self.spent - self.reserved


class Means(msgspec.Struct, frozen=True):
    """What the caller of a request may use and spend."""

    grant: Grant = Grant()
    #: US dollars that its budgets have left; None where none applies.
    left: Decimal | None = None
    #: What has no known price may be used although a budget applies.
    allow_unpriced: bool = False
    #: Whose deployments it may use beside those that are everybody's; None is nobody's.
    organisation: str | None = None


class Scope(msgspec.Struct, frozen=True):
    """Whose books somebody may see; None is everybody's."""

    organisation: str | None = None
    #: Of one key only.
    key: str | None = None


#: Everybody's.
EVERYWHERE = Scope()
#: All that there is.
EVERY_MEANS = Means()
#: No limit at all.
UNLIMITED = Standing()
