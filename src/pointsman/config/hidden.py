"""Every secret that the settings name: so that it can be kept out of sight, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from pointsman.config.deployment import ModelSettings
from pointsman.config.secrets import resolve_secret
from pointsman.config.settings import Settings
from pointsman.errors import ConfigError


def stated(settings: object, place: str = "") -> Iterator[tuple[str, SecretStr]]:
    """Each secret as it is written, with where it stands: `models.large.api_key`."""
    if isinstance(settings, SecretStr):
        yield place, settings
        return
    members: Mapping[object, object] = {}
    if isinstance(settings, BaseModel):
        members = {name: getattr(settings, name) for name in type(settings).model_fields}
    elif isinstance(settings, Mapping):
        members = settings
    elif isinstance(settings, list | tuple):
        members = dict(enumerate(settings))
    for name, member in members.items():
        yield from stated(member, f"{place}.{name}" if place else f"{name}")


def secrets_of(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """Each secret's value, and the password where it is an address.

    A provider's key also where it is in its usual variable. What refers to a variable that is not
    set has none.
    """
    for model in settings.models.values():
        yield from _key(model, environment)
    for _, secret in stated(settings):
        yield from _values(secret, environment)


def _key(model: ModelSettings, environment: Mapping[str, str]) -> Iterator[str]:
    try:
        key = model.key(environment)
    except ConfigError:
        return
    if key:
        yield key


def _values(secret: SecretStr, environment: Mapping[str, str]) -> Iterator[str]:
    try:
        value = resolve_secret(secret, environment)
    except ConfigError:
        return
    yield value
    if "://" not in value:
        return
    try:
        password = urlsplit(value).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
