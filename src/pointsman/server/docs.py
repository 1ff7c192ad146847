"""`/openapi.json` and `/docs`, made from the table of paths. No script, no network."""

from __future__ import annotations

import html
import re

import msgspec

from pointsman.server.compat import ALIASES
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.routes import PATHS, Path

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font:14px/1.5 ui-monospace,monospace}pre{padding:.8rem;overflow:auto;"
    "background:color-mix(in srgb,currentColor 7%,transparent)}"
    "table{border-collapse:collapse}td{padding:.2rem 1rem .2rem 0;vertical-align:top}"
    ":root{color-scheme:light dark}"
)
_EXAMPLE = """curl http://127.0.0.1:7070/v1/chat/completions \\
  -H 'content-type: application/json' \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "What is Python?"}]}'"""


async def openapi(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The API as OpenAPI 3.1."""
    del incoming
    return as_json(document(gateway.version))


async def page(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The API for people."""
    del incoming
    rows = "".join(
        f"<tr><td><code>{path.method} {html.escape(_plain(path.path))}</code></td>"
        f"<td>{html.escape(path.summary)}{_body(path)}</td></tr>"
        for path in PATHS
    )
    aliases = "".join(
        f"<tr><td><code>{html.escape(alias)}</code></td><td><code>{html.escape(path)}</code></td></tr>"
        for alias, path in ALIASES.items()
    )
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Pointsman {html.escape(gateway.version)}</title><style>{_STYLE}</style>"
        f"<h1>Pointsman {html.escape(gateway.version)}</h1>"
        "<p>A gateway for OpenAI's, Anthropic's and Ollama's clients: change the base URL of your client and nothing else. "
        'Machine-readable: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"<pre>{html.escape(_EXAMPLE)}</pre><h2>Paths</h2><table>{rows}</table>"
        f"<h2>Names that older routers used</h2><table>{aliases}</table></html>"
    )
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Outgoing(200, text.encode(), "text/html; charset=utf-8", headers)


def document(version: str) -> dict[str, object]:
    """The OpenAPI document."""
    types = [path.takes for path in PATHS if path.takes]
    schemas, components = msgspec.json.schema_components(
        types,
        ref_template="#/components/schemas/{name}",
        schema_hook=lambda _any: {"description": "any value"},
    )
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for path in PATHS:
        operation = _operation(path, by_type.get(path.takes) if path.takes else None)
        paths.setdefault(_plain(path.path), {})[path.method.lower()] = operation
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pointsman", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": bearer}},
    }


def _operation(path: Path, schema: object) -> dict[str, object]:
    operation: dict[str, object] = {
        "summary": path.summary,
        "responses": {"200": {"description": "Success"}},
    }
    if path.access != "open":
        operation["security"] = [{"key": []}]
        operation["x-access"] = path.access
    if names := _PARAMETER.findall(path.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if path.method == "POST":
        content = {"application/json": {"schema": schema or {"type": "object"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _plain(path: str) -> str:
    """The path without Starlette's converters."""
    return _PARAMETER.sub(r"{\1}", path)


def _body(path: Path) -> str:
    if path.takes is None:
        return ""
    fields = ", ".join(field.name for field in msgspec.structs.fields(path.takes))
    return f"<br><code>{{{html.escape(fields)}}}</code>"
