"""The gateway as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping

from msgspec.structs import replace
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pointsman.errors import BadRequest, NotFound, PointsmanError
from pointsman.ids import new_request_id
from pointsman.server import docs, errors
from pointsman.server.compat import ALIASES
from pointsman.server.endpoint import Endpoint
from pointsman.server.gateway import Gateway
from pointsman.server.http import header_map, respond
from pointsman.server.observed import Observed
from pointsman.server.routes import PATHS, Path
from pointsman.types import FormatName

_METRICS = "/metrics"
_DOCS = (
    Path("GET", "/openapi.json", docs.openapi, "open"),
    Path("GET", "/docs", docs.page, "open"),
)


def build(gateway: Gateway) -> ASGIApp:
    """Every path of the table and every alias, wired to its handler."""
    by_path: dict[str, dict[str, Path]] = {}
    for path in (*_offered(gateway), *_DOCS):
        by_path.setdefault(path.path, {})[path.method] = path
    for alias, target in ALIASES.items():
        by_path[alias] = by_path[target]
    routes = [Route(path, _Methods(gateway, each)) for path, each in by_path.items()]
    router = Router(routes, default=_UnknownPath(gateway), redirect_slashes=False)
    observed = Observed(router, gateway.telemetry)
    if not gateway.cors_origins:
        return observed
    return _Cors(
        observed,
        allow_origins=gateway.cors_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("*",),
        allow_private_network=True,  # a page from elsewhere that calls this machine is asked so
        max_age=3600,
    )


class _Cors(CORSMiddleware):
    """Answers preflights, and lets pages read what they may."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """With an id, as every reply has one."""
        response = super().preflight_response(request_headers)
        response.headers["x-request-id"] = new_request_id()
        return response


def _offered(gateway: Gateway) -> Iterator[Path]:
    """The table's paths, as this gateway is configured: metrics may be for everybody, or for nobody."""
    for path in PATHS:
        if path.path != _METRICS or gateway.metrics == "key":
            yield path
        elif gateway.metrics == "open":
            yield replace(path, access="open")


class _Methods:
    """Chooses the endpoint by method; HEAD is GET without the body."""

    def __init__(self, gateway: Gateway, paths: Mapping[str, Path]) -> None:
        self._gateway = gateway
        self._endpoints = {method: Endpoint(gateway, path) for method, path in paths.items()}
        self._format = next(iter(paths.values())).format

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._endpoints.get(method)
        return self._refuse(scope, send) if endpoint is None else endpoint(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        allowed = ", ".join(self._endpoints)
        error = BadRequest(f"{scope['path']} takes {allowed}", code="method_not_allowed")
        error.status = 405
        await _refuse(self._gateway, self._format, error, scope, send, headers={"allow": allowed})


class _UnknownPath:
    """Answers where nothing else does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] == "http":
            path = scope["path"]
            error = NotFound(f"there is no {path[:128]!r} here; GET /docs lists the paths")
            of_ollama = path.startswith("/api/") and not path.startswith("/api/v1/")
            format_name: FormatName = "ollama" if of_ollama else "chat"
            await _refuse(self._gateway, format_name, error, scope, send)


async def _refuse(
    gateway: Gateway,
    format_name: FormatName,
    error: PointsmanError,
    scope: Scope,
    send: Send,
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Say no to a request before any endpoint has it."""
    request_id = new_request_id()
    client = gateway.clients[errors.format_for(format_name, header_map(scope))]
    refused = errors.render(error, client, request_id)
    more = {**refused.headers, **(headers or {})}
    await respond(replace(refused, headers=more), send, request_id)
