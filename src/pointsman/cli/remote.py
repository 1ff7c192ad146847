"""A running gateway, asked over HTTP: one process owns the books."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import msgspec

from pointsman.assembly.offline import operator_token
from pointsman.config import Settings, resolve_secret
from pointsman.errors import ConfigError
from pointsman.types import Json

_T = TypeVar("_T")
_TIMEOUT_S = 600.0
#: What can't stand in quotes in a form's head, as browsers write it.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class _Stated(msgspec.Struct):
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Stated | None = None


async def call(
    settings: Settings,
    address: str,
    path: str,
    kind: type[_T],
    body: Mapping[str, Json] | None = None,
    *,
    method: Literal["DELETE"] | None = None,
) -> _T:
    """The reply as `kind`: to GET, or to POST where there is a body, or to `method`.

    Raises ConfigError with the gateway's own words. It lets the command line of its own user in.
    """
    data = None if body is None else msgspec.json.encode(body)
    return await asyncio.to_thread(_decoded, settings, address, path, kind, data, method)


def _decoded(  # noqa: PLR0917 - handed on by `call`
    settings: Settings,
    address: str,
    path: str,
    kind: type[_T],
    data: bytes | None,
    method: Literal["DELETE"] | None,
    content_type: str = "application/json",
) -> _T:
    with _asked(settings, address, path, data, method, content_type) as response:
        return msgspec.json.decode(response.read(), type=kind)


async def upload(  # noqa: PLR0917 - as `call`, with a file
    settings: Settings, address: str, path: str, kind: type[_T], purpose: str, file: Path
) -> _T:
    """Send a file in a form; the reply as `kind`. Raises ConfigError, also where it can't be read."""
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="{{}}"{{}}\r\n\r\n'
    name = file.name.translate(_ESCAPES)
    try:
        content = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    form = b"".join(
        (
            f"{head.format('purpose', '')}{purpose}\r\n".encode(),
            head.format("file", f'; filename="{name}"').encode(),
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    content_type = f"multipart/form-data; boundary={boundary}"
    return await asyncio.to_thread(
        _decoded, settings, address, path, kind, form, None, content_type
    )


def download(settings: Settings, address: str, path: str, into: BinaryIO) -> None:
    """Write what GET gives, as it comes. Raises ConfigError, also where it ends too early."""
    with _asked(settings, address, path) as response:
        shutil.copyfileobj(response, into)


@contextmanager
def _asked(  # noqa: PLR0917 - for this module alone
    settings: Settings,
    address: str,
    path: str,
    data: bytes | None = None,
    method: Literal["DELETE"] | None = None,
    content_type: str = "application/json",
) -> Iterator[HTTPResponse]:
    headers = {"content-type": content_type, **credentials(settings)}
    request = urllib.request.Request(address + path, data, headers, method=method)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            yield response
    except urllib.error.HTTPError as error:
        raise ConfigError(f"the gateway at {address} said: {_words(error)}") from error
    except (OSError, HTTPException, msgspec.DecodeError) as error:
        raise ConfigError(f"the gateway at {address} does not answer: {error}") from error


def credentials(settings: Settings) -> dict[str, str]:
    """The headers that let this user in: the gateway's own token; else the configured key."""
    key = operator_token(settings)
    if key is None and settings.api_key is not None:
        key = resolve_secret(settings.api_key, os.environ)
    return {} if key is None else {"authorization": f"Bearer {key}"}


def _words(error: urllib.error.HTTPError) -> str:
    try:
        stated = msgspec.json.decode(error.read(), type=_Failure).error
    except (OSError, msgspec.DecodeError):
        stated = None
    return stated.message if stated else str(error)
