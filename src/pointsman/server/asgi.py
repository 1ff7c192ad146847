"""The gateway as an ASGI application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.middleware.cors import CORSMiddleware
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
    routes = [Route(path, _Methods(gateway, ends)) for path, ends in by_path.items()]
    router = Router(routes, default=_UnknownPath(gateway), redirect_slashes=False)
    if not gateway.cors_origins:
        return router
    return CORSMiddleware(
        router,
        allow_origins=gateway.cors_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        expose_headers=("*",),
        max_age=3600,
    )


class _Methods:
    """Chooses the endpoint by method; HEAD is GET without the body."""

    def __init__(self, gateway: Gateway, endpoints: Mapping[str, Endpoint]) -> None:
        self._gateway = gateway
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
        request_id = new_request_id()
        refused = errors.render(error, self._gateway.clients["chat"], request_id)
        await respond(replace(refused, headers={"allow": allowed}), send, request_id)


class _UnknownPath:
    """Answers where nothing else does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] == "http":
            path = scope["path"][:128]
            error = NotFound(f"there is no {path!r} here; GET /docs lists the paths")
            request_id = new_request_id()
            refused = errors.render(error, self._gateway.clients["chat"], request_id)
            await respond(refused, send, request_id)
