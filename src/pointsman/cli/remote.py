"""A running gateway, asked over HTTP: one process owns the books."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from pointsman.config import Settings, resolve_secret
from pointsman.errors import ConfigError
from pointsman.types import Json

_T = TypeVar("_T")
_TIMEOUT_S = 600.0


class _Stated(msgspec.Struct):
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Stated | None = None


def call(
    settings: Settings,
    address: str,
    path: str,
    kind: type[_T],
    body: Mapping[str, Json] | None = None,
    *,
    method: Literal["DELETE"] | None = None,
) -> _T:
    """The reply as `kind`: to GET, or to POST where there is a body, or to `method`.

    Raises ConfigError with the gateway's own words.
    """
    headers = {"content-type": "application/json"}
    if settings.api_key is not None:
        headers["authorization"] = f"Bearer {resolve_secret(settings.api_key, os.environ)}"
    data = None if body is None else msgspec.json.encode(body)
    request = urllib.request.Request(address + path, data, headers, method=method)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            return msgspec.json.decode(response.read(), type=kind)
    except urllib.error.HTTPError as error:
        raise ConfigError(f"the gateway at {address} said: {_words(error)}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"the gateway at {address} does not answer: {error}") from error


def _words(error: urllib.error.HTTPError) -> str:
    try:
        stated = msgspec.json.decode(error.read(), type=_Failure).error
    except (OSError, msgspec.DecodeError):
        stated = None
    return stated.message if stated else str(error)
