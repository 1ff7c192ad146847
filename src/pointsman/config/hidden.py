"""Every secret that the settings name, so that it can be kept out of sight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from pointsman.config.deployment import ModelSettings
from pointsman.config.secrets import resolve_secret
from pointsman.errors import ConfigError


def secrets_of(settings: object, environment: Mapping[str, str]) -> Iterator[str]:
    """Each secret's value, and the password where it is an address.

    What refers to a variable that is not set has none.
    """
    if isinstance(settings, SecretStr):
        yield from _values(settings, environment)
    elif isinstance(settings, BaseModel):
        if isinstance(settings, ModelSettings):
            yield from _key(settings, environment)
        for name in type(settings).model_fields:
            yield from secrets_of(getattr(settings, name), environment)
    elif isinstance(settings, Mapping):
        yield from _of_all(settings.values(), environment)
    elif isinstance(settings, list | tuple):
        yield from _of_all(settings, environment)


def _of_all(several: Iterable[object], environment: Mapping[str, str]) -> Iterator[str]:
    for each in several:
        yield from secrets_of(each, environment)


def _key(model: ModelSettings, environment: Mapping[str, str]) -> Iterator[str]:
    """The provider's key, also where it is in its usual variable."""
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
