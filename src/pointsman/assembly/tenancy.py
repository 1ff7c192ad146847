"""From organisations' records to settings: their own deployments, and what they pay with."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr, ValidationError

from pointsman.access.directory import Secrets
from pointsman.access.organising import Objection
from pointsman.config import (
    IN_PROCESS,
    RESERVED_NAMES,
    ModelSettings,
    Settings,
    is_local,
    resolve_secret,
)
from pointsman.ports import Sealer
from pointsman.providers.dialects import DIALECTS
from pointsman.providers.probes import FROM_THE_ROOT, root_of
from pointsman.storage.vault import Vault
from pointsman.types import Json, OwnDeployment

#: The variable that holds the encryption key, where the configuration names no other.
ENCRYPTION_KEY = "POINTSMAN_ENCRYPTION_KEY"
_log = logging.getLogger("pointsman.assembly.tenancy")


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What organisations have of their own, in one moment."""

    deployments: tuple[OwnDeployment, ...] = ()
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    def within(self, settings: Settings) -> Settings:
        """The operator's settings with every organisation's own deployments.

        What does not fit these settings any more is left out, and that is said.
        """
        if not self.deployments:
            return settings
        own: dict[str, ModelSettings] = {}
        for each in self.deployments:
            text = self._key(each)
            objection = objection_to(
                settings, each.organisation, each.id, each.model, has_key=text is not None
            )
            if objection is None:
                own[each.deployment] = _model(each.organisation, each.model, text)
            else:
                _log.warning("%s is not in use: %s", each.deployment, objection)
        return (
            settings.model_copy(update={"models": {**settings.models, **own}}) if own else settings
        )

    def standing_in(self, settings: Settings) -> Mapping[str, Mapping[str, ModelSettings | None]]:
        """By organisation, the shared deployments that it pays for with its own key.

        None stands for one that it can't use, since that key can't be opened: nobody else pays.
        """
        own = {each.deployment for each in self.deployments}
        payable: defaultdict[str, dict[str, ModelSettings]] = defaultdict(dict)
        for name, model in settings.models.items():
            if name not in own and _may_be_paid_by_others(model, settings):
                payable[model.provider][name] = model
        found: defaultdict[str, dict[str, ModelSettings | None]] = defaultdict(dict)
        for (organisation, provider), text in self.secrets.of_providers.items():
            key = None if text is None else {"api_key": SecretStr(text)}
            for name, model in payable[provider].items():
                if model.organisations is None or organisation in model.organisations:
                    paid = None if key is None else model.model_copy(update=key)
                    found[organisation][name] = paid
        return found

    def _key(self, each: OwnDeployment) -> str | None:
        """What its provider is paid with: its own key, or else the organisation's."""
        if each.sealed is not None:
            return self.secrets.of_deployments.get(each.deployment)
        provider = str(each.model.get("provider"))
        stated = each.model.get("base_url")
        return None if stated else self.secrets.of_providers.get((each.organisation, provider))


def sealer(settings: Settings, environment: Mapping[str, str]) -> Sealer | None:
    """What encrypts providers' keys; None where there is no key for that. Raises ConfigError."""
    stated, usual = settings.tenants.encryption_key, environment.get(ENCRYPTION_KEY)
    if stated is not None:
        return Vault.parse(resolve_secret(stated, environment))
    return Vault.parse(usual) if usual else None


def objector(settings: Callable[[], Settings]) -> Objection:
    """What an organisation can't have, by the operator's settings as they are when it is asked."""

    def objection(
        organisation: str, name: str, stated: Mapping[str, Json], *, has_key: bool
    ) -> str | None:
        return objection_to(settings(), organisation, name, stated, has_key=has_key)

    return objection


def objection_to(
    settings: Settings, organisation: str, name: str, stated: Mapping[str, Json], *, has_key: bool
) -> str | None:
    """Why an organisation can't have that deployment; None where it can.

    Nothing of the operator's may serve it: no variable, no file, no server within reach.
    """
    provider, deployment = str(stated.get("provider")), f"{organisation}/{name}"
    if provider in IN_PROCESS:
        return f"{provider!r} is the operator's alone"
    try:
        model = _model(organisation, stated, None)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return ": ".join([*(str(part) for part in first["loc"]), str(first["msg"])])
    taken = {*settings.models, *settings.routing.tiers, *RESERVED_NAMES}
    objections = {
        "the operator does not allow this address: [tenants] base_urls": not _may_reach(
            settings, model
        ),
        f"there is no key for {provider}": bool(model.preset.keys) and not has_key,
        f"{deployment!r} already names something else": deployment in taken,
        f"there is no tier {model.tier!r}": settings.tier_of(model) not in settings.routing.tiers,
    }
    return next((text for text, holds in objections.items() if holds), None)


def _may_reach(settings: Settings, model: ModelSettings) -> bool:
    """Providers in the cloud have addresses of their own; all others are the operator's to allow.

    What is called may be above the address as it is written: its server's own paths start there.
    """
    address = model.address or ""
    if model.base_url is None and not is_local(address):
        return True
    called = {address, DIALECTS[model.preset.dialect].base(address)}
    if model.provider in FROM_THE_ROOT:
        called.add(root_of(address))
    return all(map(settings.tenants.allows, called))


def _model(organisation: str, stated: Mapping[str, Json], key: str | None) -> ModelSettings:
    """Its settings; a key that is not there is an empty one, so that the operator's is not sent."""
    return ModelSettings.model_validate(
        {**stated, "api_key": SecretStr(key or ""), "organisations": [organisation]}
    )


def _may_be_paid_by_others(model: ModelSettings, settings: Settings) -> bool:
    """Whether other keys may be sent there: to the provider's own server, or where it is allowed."""
    is_allowed = model.base_url is None or settings.tenants.allows(model.base_url)
    return is_allowed and bool(model.preset.keys)
