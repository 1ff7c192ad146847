"""The configuration as a whole: whether a gateway starts with it, and what it would lack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from pointsman.app import App
from pointsman.assembly import rules
from pointsman.assembly.tariffs import baseline_doubt, pricer
from pointsman.config import ModelSettings, Settings
from pointsman.config.books import BudgetSettings
from pointsman.config.hidden import stated
from pointsman.config.secrets import resolve_secret
from pointsman.config.unread import unread
from pointsman.errors import ConfigError

#: How shells, LiteLLM, opencode and workflows refer to a variable.
_ELSEWHERE = re.compile(
    r"\$(?:env:)?\w+|%\w+%|(?:env|ENV|os\.environ)[:./]\w+|\{env:\w+\}|\$?\{\{[^{}]*\}\}"
)


def faults(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Why no gateway would start with these, one line each. Opens and asks nothing.

    Everything that is not set is named at once, with the rules that are wrong; what else is, where
    all of that is set.
    """
    unset = list(dict.fromkeys(_unset(settings, environment)))
    if not unset:
        return list(_refused(lambda: App(settings, environment=environment)))
    rules_alone = (partial(rules.policy, settings), partial(rules.confinement, settings))
    return [*unset, *(fault for build in rules_alone for fault in _refused(build))]


def _refused(build: Callable[[], object]) -> Iterator[str]:
    try:
        build()
    except ConfigError as error:
        yield str(error)


def doubts(settings: Settings, environment: Mapping[str, str], at: datetime) -> list[str]:
    """What a gateway would start with and not do as it seems to be meant, one line each."""
    money = unpriced(settings, at), baseline_doubt(settings, at)
    misread = (*_misread(settings), *unread(Settings, environment))
    return [*keyless(settings, environment), *misread, *filter(None, money)]


def keyless(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Providers whose key is not there, each with its deployments."""
    waiting: dict[str, list[str]] = {}
    for name, model in settings.models.items():
        if model.where == "cloud" and lacks_key(model, environment):
            waiting.setdefault(model.preset.keys[0], []).append(name)
    return [
        f"{', '.join(names)}: {variable} is not set, so the provider will refuse to answer"
        for variable, names in waiting.items()
    ]


def lacks_key(model: ModelSettings, environment: Mapping[str, str]) -> bool:
    """Whether its provider wants a key that nothing gives it."""
    its_own = model.base_url is None or model.provider == "azure"
    wants = model.api_key is None and its_own and bool(model.preset.keys)
    return wants and model.key(environment) is None


def _unset(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with each reference to a secret."""
    for _, secret in stated(settings):
        try:
            resolve_secret(secret, environment)
        except ConfigError as error:
            yield str(error)


def _misread(settings: Settings) -> Iterator[str]:
    """Secrets that are written as other programs refer to a variable. Not told: it may be one."""
    for place, secret in stated(settings):
        if _ELSEWHERE.fullmatch(secret.get_secret_value()):
            yield f"{place}: is taken as it stands; a variable is referred to as `${{NAME}}`"


def unpriced(settings: Settings, at: datetime) -> str | None:
    """Deployments that a budget keeps from being used, as nobody knows their price."""
    if not any(map(_binds, _budgets(settings))):
        return None
    prices = pricer(settings)
    unknown = [name for name in settings.models if prices.worst_cost(name, 1, 1, at) is None]
    if not unknown:
        return None
    return (
        f"{', '.join(unknown)}: no price is known, so nobody with a budget may use it: set "
        "`price` or `priced_as`, or `allow_unpriced` of the budget"
    )


def _budgets(settings: Settings) -> Iterator[BudgetSettings | None]:
    yield settings.budgets.key
    yield settings.budgets.organisation
    for principals in (settings.organisations, settings.keys):
        for each in principals.values():
            yield each.budgets


def _binds(budget: BudgetSettings | None) -> bool:
    if budget is None or budget.allow_unpriced:
        return False
    return budget.per_day is not None or budget.per_month is not None
