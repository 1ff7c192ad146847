"""The gateway as an ASGI application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.errors import BadRequest, NotFound
from pointsman.ids import new_request_id
from pointsman.server import docs, errors
from pointsman.server.compat import ALIASES
from pointsman.server.endpoint import Endpoint
from pointsman.server.gateway import Gateway
from pointsman.server.http import respond
from pointsman.server.routes import PATHS, Path

_DOCS = (
    Path("GET", "/openapi.json", docs.openapi, access="open"),
    Path("GET", "/docs", docs.page, access="open"),
)


def build(gateway: Gateway) -> ASGIApp:
    """Every path of the table and every alias, wired to its handler."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for path in (*PATHS, *_DOCS):
        by_path.setdefault(path.path, {})[path.method] = Endpoint(gateway, path)
    for alias, target in ALIASES.items():
        by_path[alias] = by_path[target]
    routes = [Route(path, _Methods(endpoints)) for path, endpoints in by_path.items()]
    return Router(routes, default=_unknown_path, redirect_slashes=False)


class _Methods:
    """Chooses the endpoint by method; HEAD is GET without the body."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._endpoints.get(method)
        if endpoint is not None:
            await endpoint(scope, receive, send)
            return
        allowed = ", ".join(self._endpoints)
        error = BadRequest(f"{scope['path']} takes {allowed}", code="method_not_allowed")
        error.status = 405
        refused = replace(errors.render(error), headers={"allow": allowed})
        await respond(refused, send, new_request_id())


async def _unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "http":
        error = NotFound(f"there is no {scope['path'][:128]!r} here; GET /docs lists the paths")
        await respond(errors.render(error), send, new_request_id())
