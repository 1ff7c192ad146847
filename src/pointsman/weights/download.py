"""A download that goes on where an earlier one stopped."""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import truststore

from pointsman.errors import ConfigError

#: Called with the bytes that are there and, where it is known, how many there will be.
Progress: TypeAlias = Callable[[int, int | None], None]

_CHUNK_BYTES = 1024 * 1024
_TIMEOUT_S = 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(url: str, part: Path, *, pinned: bool, progress: Progress) -> None:
    """Fetch an http(s) URL into `part`, which may hold the beginning already.

    A connection that is cut is taken up again as long as each one gets further than the last;
    what there is then stays in `part` for another time. `pinned` says that the caller knows the
    file's hash and checks it; without one, an earlier beginning is only continued where the server
    vouches (ETag or Last-Modified, kept beside `part`) that it is of the same file. Raises
    ConfigError.
    """
    validator = part.with_name(f"{part.name}.validator")
    reached = -1
    while True:
        try:
            _transfer(url, part, validator, pinned=pinned, progress=progress)
        except _Cut as cut:
            if cut.reached <= reached:
                raise ConfigError(
                    f"the download from {_host(url)} stopped at {cut.reached} bytes ({cut}); "
                    "pull again to go on"
                ) from cut
            reached = cut.reached
        else:
            validator.unlink(missing_ok=True)
            return


def discard(part: Path) -> None:
    """Remove what a download left."""
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.validator").unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Of the whole file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Cut(Exception):
    """The connection ended before the file did."""

    def __init__(self, reason: str, reached: int) -> None:
        super().__init__(reason)
        self.reached = reached


def _transfer(url: str, part: Path, validator: Path, *, pinned: bool, progress: Progress) -> None:
    """One connection's worth. Raises _Cut, or ConfigError where another can't help."""
    have = part.stat().st_size if part.is_file() else 0
    known = validator.read_text() if validator.is_file() else ""
    headers = {"user-agent": "pointsman"}
    if have and (known or pinned):
        headers |= {"range": f"bytes={have}-"} | ({"if-range": known} if known else {})
    try:
        with _open(url, headers) as response:
            start, total = _extent(response)
            if start not in {0, have}:
                discard(part)
                raise _Cut("it sent another range than asked for", 0)
            validator.write_text(_validator(response))
            with part.open("r+b" if part.exists() else "wb") as file:
                file.truncate(start)
                file.seek(start)
                while chunk := response.read(_CHUNK_BYTES):
                    file.write(chunk)
                    progress(file.tell(), total)
                done = file.tell()
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ConfigError(f"{_host(url)} answered {error.code} {error.reason}") from error
        if error.headers.get("content-range") == f"bytes */{have}":
            return  # it was all there
        discard(part)
        raise _Cut("it has no such range", 0) from error
    except (http.client.HTTPException, OSError) as error:
        reached = part.stat().st_size if part.is_file() else 0
        raise _Cut(str(getattr(error, "reason", error)), reached) from error
    if total is not None and done < total:
        raise _Cut("it closed the connection", done)


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """`url` is http or https. Raises urllib's and http.client's errors."""
    tls = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # as pip: the system's certificates
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - see above
    response: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310
        request, timeout=_TIMEOUT_S, context=tls
    )
    return response


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where the body begins in the file, -1 where that is not clear, and how long the file is."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(response.headers["content-range"] or "")
        if not found:
            return -1, None
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers["content-length"]
    return 0, int(length) if length else None


def _validator(response: http.client.HTTPResponse) -> str:
    """What If-Range takes: a strong ETag, or else the date."""
    tag = response.headers["etag"] or ""
    return tag if tag.startswith('"') else response.headers["last-modified"] or ""


def _host(url: str) -> str:
    """For messages: a URL's path or user may hold a secret."""
    return urlsplit(url).hostname or "the server"
