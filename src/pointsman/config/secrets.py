"""Secrets as references, and which addresses are this machine's or this network's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from pointsman.errors import ConfigError

_REFERENCE = re.compile(r"\$\{(?:file:(?P<file>[^}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*))\}")


def resolve_secret(secret: SecretStr, environment: Mapping[str, str]) -> str:
    """The secret's value: `${NAME}` is read from the environment, `${file:PATH}` from a file.

    Raises ConfigError where there is none.
    """
    value = secret.get_secret_value()
    reference = _REFERENCE.fullmatch(value)
    if not reference:
        return value
    file, name = reference.group("file", "name")
    if file is not None:
        return _read(Path(file))
    if not environment.get(name):
        raise ConfigError(f"the environment variable {name} is not set, and a key refers to it")
    return environment[name]


def is_reference(secret: SecretStr) -> bool:
    """Whether it is the place of a secret, and not the secret itself."""
    return _REFERENCE.fullmatch(secret.get_secret_value()) is not None


def _read(file: Path) -> str:
    """As platforms mount secrets; a line's end at the end is none of it."""
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"a secret can't be read from {file}: {reason}") from None
    if not text:
        raise ConfigError(f"a secret is to be read from {file}, which is empty")
    return text


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
