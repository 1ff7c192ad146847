"""Limits, budgets, the books and what is kept in them."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, SecretStr

from pointsman.config.deployment import Section


class LimitSettings(Section):
    """How much at a time; without a limit where not given."""

    #: Requests to models in a minute, also to one that is not there; `/v1/route` counts like them.
    requests_per_minute: int | None = Field(default=None, ge=1)
    #: Tokens in a minute, input and output together.
    tokens_per_minute: int | None = Field(default=None, ge=1)
    #: Requests that are open at the same time, streams until their end.
    concurrent: int | None = Field(default=None, ge=1)


class BudgetSettings(Section):
    """US dollars that may be spent; without a bound where not given."""

    #: In a day, in UTC.
    per_day: Decimal | None = Field(default=None, ge=0)
    #: In a month, in UTC.
    per_month: Decimal | None = Field(default=None, ge=0)
    #: Let through what has no known price, which counts in no sum; refused with 402 where not.
    allow_unpriced: bool = False


class EveryLimit(Section):
    """Limits of each key, organisation and end user that has none of its own."""

    #: Of each key.
    key: LimitSettings = LimitSettings()
    #: Of each organisation, all its keys together.
    organisation: LimitSettings = LimitSettings()
    #: Of each end user whom a client names (`user`, `x-openwebui-user-id`), in an organisation.
    user: LimitSettings = LimitSettings()


class EveryBudget(Section):
    """Budgets of each key and organisation that has none of its own."""

    #: Of each key.
    key: BudgetSettings = BudgetSettings()
    #: Of each organisation, all its keys together.
    organisation: BudgetSettings = BudgetSettings()
    #: Output tokens that are reserved for a reply that neither the request nor its deployment's
    #: `max_output_tokens` bounds.
    reply_tokens: int = Field(default=4096, ge=1)


class AlertSettings(Section):
    """A word before a budget is spent."""

    #: Where to POST it as JSON, best as a reference: `${NAME}`.
    webhook: SecretStr | None = None
    #: The share of a budget at which it is sent, once in each window.
    at: float = Field(default=0.8, gt=0, le=1)


class LedgerSettings(Section):
    """Where the books are, and for how long."""

    #: A PostgreSQL database, best as a reference: `${NAME}`; the file in `home` where not given.
    url: SecretStr | None = None
    #: Connections that one gateway keeps to it for the books at most; with those of batches and of
    #: the cache, all gateways together have to fit.
    max_connections: int = Field(default=8, ge=2)
    #: Megabytes of what waits in the home folder while the database is away, for each gateway; past
    #: that requests are refused. 0 keeps nothing, and refuses at once.
    journal_mb: float = Field(default=64.0, ge=0)
    #: Seconds for which requests are served while it is away.
    journal_s: float = Field(default=900.0, ge=0)
    #: Seconds for which keys stay valid that it can't be asked for; then every request gets 503.
    keys_s: float = Field(default=3600.0, gt=0)
    #: Seconds between two marks of how far an open stream has come.
    mark_s: float = Field(default=5.0, gt=0)
    #: Days until an entry is deleted, its sums by day stay; never where not given.
    retention_days: float | None = Field(default=None, gt=0)


class PromptSettings(Section):
    """Prompts and replies, which are not kept unless you say so."""

    #: Keep them, with secrets and personal data replaced.
    store: bool = False
    #: Days until they are deleted.
    retention_days: float = Field(default=30.0, gt=0)


class PricesSettings(Section):
    """The list of prices."""

    #: `off` uses the list that is installed; `daily` fetches a newer one from its project's site
    #: when the gateway starts, and once a day.
    update: str = Field(default="off", pattern="^(off|daily)$")
