"""Secrets as references, and which addresses are this machine's or this network's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

from pointsman.errors import ConfigError

_REFERENCE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")


def resolve_secret(secret: SecretStr, environment: Mapping[str, str]) -> str:
    """The secret's value; `${NAME}` is read from the environment."""
    value = secret.get_secret_value()
    reference = _REFERENCE.match(value)
    if not reference:
        return value
    name = reference.group(1)
    if not environment.get(name):
        raise ConfigError(f"the environment variable {name} is not set, and a key refers to it")
    return environment[name]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local(url: str) -> bool:
    """Whether an address is of this machine or its private network."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith((".local", ".localhost")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
