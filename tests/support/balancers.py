"""HAProxy and nginx in front of gateways, as the shipped configurations set them up."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.support.servers import Server

_SHIPPED = Path(__file__).parents[2] / "deploy" / "proxy"
_HAPROXY_LOG = '{"request":"%[capture.req.hdr(0)]","gateway":"%s","status":%ST,"how":"%ts"}'
_NGINX_LOG = (
    '{"request":"$http_x_request_id","gateway":"$upstream_addr","status":$status,'
    '"how":"$upstream_status"}'
)


@dataclass(frozen=True)
class Passed:
    """What a balancer says that became of one request."""

    #: The client's own id of it.
    request: str
    #: The gateway that had it at last, by its address; None where none had.
    gateway: str | None
    status: int
    #: In the balancer's own words.
    how: str


class Balancer(Server):
    """One in front of gateways on this machine; `url` is for clients."""

    def __init__(self, gateways: Sequence[int], program: str, shipped: str) -> None:
        """`gateways` are their ports. Skips the test where the program is not installed."""
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            pytest.skip(f"no {program} on PATH; scripts/prepare-test-full installs it")
        super().__init__()
        self.port = _free_port()
        self._config = self.folder / shipped
        text = (_SHIPPED / shipped).read_text(encoding="utf-8")
        self._config.write_text(self._fitted(text, gateways), encoding="utf-8")

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def passed(self) -> Mapping[str, Passed]:
        """What became of every request that has ended and had an id, by that."""
        found: dict[str, Passed] = {}
        for line in self._log_file.read_text(encoding="utf-8").splitlines():
            if not line.startswith('{"request"'):
                continue
            said = json.loads(line)
            name, gateway = said["request"], self._gateway(said["gateway"])
            if name not in {"", "-"}:
                found[name] = Passed(name, gateway, said["status"], said["how"])
        return found

    @property
    @abstractmethod
    def _log_file(self) -> Path:
        """Where it writes what it passed on."""

    @abstractmethod
    def _fitted(self, shipped: str, gateways: Sequence[int]) -> str:
        """The shipped configuration with these ports, and a log of requests."""

    @abstractmethod
    def _gateway(self, named: str) -> str | None:
        """The address of a gateway as the log names it."""

    def _answers(self) -> bool:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as asking:
            try:
                asking.request("GET", "/health/ready")
                return asking.getresponse().status == 200
            except (OSError, HTTPException):
                return False


class HAProxy(Balancer):
    """HAProxy: it looks at every gateway's `/health/ready`."""

    def __init__(self, gateways: Sequence[int]) -> None:
        """`gateways` are their ports. Skips the test where it is not installed."""
        super().__init__(gateways, "haproxy", "haproxy.cfg")

    @property
    def _log_file(self) -> Path:
        return self.folder / "log"

    def _fitted(self, shipped: str, gateways: Sequence[int]) -> str:
        text = re.sub(r"^ +server gateway.*\n", "", shipped, flags=re.MULTILINE).rstrip()
        text = text.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
        text = text.replace("local0 warning", "local0 info")
        heard = f"    capture request header x-request-id len 64\n    log-format '{_HAPROXY_LOG}'\n"
        text = text.replace("frontend clients\n", f"frontend clients\n{heard}")
        servers = [f"    server 127.0.0.1:{port} 127.0.0.1:{port}" for port in gateways]
        return "\n".join([text, *servers, ""])

    def _gateway(self, named: str) -> str | None:
        return named if ":" in named else None

    def _command(self) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(self._config)]


class Nginx(Balancer):
    """nginx: it learns from connections that fail."""

    def __init__(self, gateways: Sequence[int]) -> None:
        """`gateways` are their ports. Skips the test where it is not installed."""
        super().__init__(gateways, "nginx", "nginx.conf")

    @property
    def _log_file(self) -> Path:
        return self.folder / "access.log"

    def _fitted(self, shipped: str, gateways: Sequence[int]) -> str:
        (first, *_) = re.findall(r"^ +server gateway.*\n", shipped, flags=re.MULTILINE)
        servers = [first.replace("gateway-1:7070", f"127.0.0.1:{port}") for port in gateways]
        text = shipped.replace(first, "".join(servers))
        text = re.sub(r"^ +server gateway.*\n", "", text, flags=re.MULTILINE)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}")
        text = text.replace("/tmp/nginx", f"{self.folder}/nginx")  # noqa: S108 - the shipped one's
        text = text.replace(
            "access_log off;",
            f"log_format heard escape=none '{_NGINX_LOG}';\n    access_log {self._log_file} heard;",
        )
        as_root = "user root;\n" if os.geteuid() == 0 else ""
        return f"{as_root}daemon off;\n{text}"

    def _gateway(self, named: str) -> str | None:
        last = named.rpartition(", ")[2]
        return last if ":" in last else None

    def _command(self) -> Sequence[str]:
        return ["nginx", "-e", "stderr", "-p", str(self.folder), "-c", str(self._config)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
