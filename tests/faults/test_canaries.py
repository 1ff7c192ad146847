"""A canary in every input and every setting: nobody finds one where it was not meant to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.canaries import Canaries, kept, told
from tests.support.gateway import PATIENCE_S, Answer, Gateway
from tests.support.upstreams import Recorder

from pointsman.server.routes import PATHS

CONFIG = """
[models.brisk]
provider = "scripted"
model = "brisk"
price = {{ input = "1.7", output = "5.3" }}
script = [{{ reply = "It is {reply}.", chunks = 3 }}]

[models.keyed]
provider = "vllm"
base_url = "{keyed}"
model = "keyed"
api_key = "${{CANARY_PROVIDER}}"

[models.sour]
provider = "vllm"
base_url = "{sour}"
model = "sour"
api_key = "{literal}"

[routing]
fallback = false

[privacy]
patterns = {{ project = "{pattern}" }}

[alerts]
webhook = "http://127.0.0.1:9/{webhook}"
at = 0.0001

[budgets.organisation]
per_day = "0.05"

[cache]
exact = true

[prompts]
store = {store}
"""
#: Where a canary may be: the columns, files and replies for what a client calls something.
MEANT: Mapping[str, frozenset[str]] = {
    "model": frozenset({"entries.model_asked", "pointsman.db", "log", "books", "error"}),
    "user": frozenset({"entries.user", "pointsman.db", "books"}),
    "client request id": frozenset({"entries.client_request_id", "pointsman.db", "log", "books"}),
    "comment": frozenset({"feedback.comment", "pointsman.db", "books"}),
    "key name": frozenset({"keys.name", "pointsman.db", "keys"}),
    "tag": frozenset({"replies.tags", "cache.db", "cache"}),
    "path": frozenset({"error"}),
    "reference": frozenset({"error"}),
    "instructions": frozenset({"cache.db", "replies.body", "reply", "cache"}),  # of the format
    "reply": frozenset({"cache.db", "replies.body", "reply", "cache"}),
}
#: What is in the prompts and replies that are kept where somebody turned that on.
SAID = frozenset(
    {"prompt", "system prompt", "system", "instructions", "suffix", "refused prompt", "reply"}
)
PROMPTS = frozenset({"prompts.prompt", "prompts.reply", "pointsman.db", "prompts"})
#: No matter what is turned on.
SECRET = "sk-proj-q8zj3nf02lqmv5t1xw9cy7ahd4rk6bspu0eg2o8i"  # noqa: S105 - a made-up one


@dataclass
class Seen:
    """What of the canaries was seen, and where."""

    canaries: Canaries
    #: Prompts are kept.
    store: bool
    where: dict[str, set[str]] = field(default_factory=dict)

    def look(self, place: str, text: bytes) -> None:
        """Note what is in it."""
        for name in self.canaries.found(text):
            self.where.setdefault(name, set()).add(place)

    def astray(self) -> dict[str, set[str]]:
        """Canaries that were seen where they must not be."""
        found = {name: places - self._meant(name) for name, places in self.where.items()}
        return {name: places for name, places in found.items() if places}

    def _meant(self, name: str) -> frozenset[str]:
        kept = PROMPTS if self.store and name in SAID else frozenset()
        return MEANT.get(name, frozenset()) | kept


@dataclass
class Client:
    """Asks, and looks at what comes back."""

    gateway: Gateway
    seen: Seen
    headers: Mapping[str, str]

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        place: str = "reply",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer; an error's canaries are noted as `error`, others as `place`."""
        parts = urlsplit(self.gateway.address)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, sent, {**self.headers, **(headers or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, found, response.read())
        finally:
            connection.close()
        self.seen.look("error" if answer.status >= 400 else place, answer.body)
        self.seen.look("headers", told(answer.headers))
        return answer


def completion(said: str) -> bytes:
    """A chat completion."""
    message = {"role": "assistant", "content": said}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}
    ).encode()


def refusal(key: str) -> bytes:
    """An upstream's error with the key in its words, as OpenAI's has a part of it."""
    message = f"Incorrect API key provided: {key}."
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()


def look_at_files(seen: Seen, home: Path) -> None:
    """All that is in the home, but for the configuration itself."""
    for place, text in kept(home):
        if place not in {"pointsman.toml", "stdout.log"}:
            seen.look(place, text)


def bodies(canary: Canaries, model: str) -> Iterator[tuple[str, object]]:
    """A request in each format, a canary in each of its members that people write."""
    text = f"Tell me about {canary('prompt')}, please."
    turns = [
        {"role": "system", "content": f"You are {canary('system prompt')}."},
        {"role": "user", "content": f"{text} My key is {SECRET}."},
    ]
    tool = {
        "name": "look",
        "description": canary("tool"),
        "parameters": {"type": "object", "properties": {canary("schema"): {"type": "string"}}},
    }
    chat = {
        "model": model,
        "messages": turns,
        "user": canary("user"),
        "stop": [canary("stop")],
        "metadata": {"about": canary("metadata")},
        canary("member"): canary("value"),
    }
    yield "/v1/chat/completions", chat
    yield (
        "/v1/chat/completions",
        {**chat, "tools": [{"type": "function", "function": tool}], "stream": True},
    )
    yield "/v1/completions", {"model": model, "prompt": text, "suffix": canary("suffix")}
    yield "/v1/responses", {"model": model, "input": text, "instructions": canary("instructions")}
    yield (
        "/v1/messages",
        {"model": model, "max_tokens": 9, "system": canary("system"), "messages": turns[1:]},
    )
    yield "/api/chat", {"model": model, "messages": turns, "stream": False}
    yield "/v1/complete", {"prompt": text, "model": model}
    yield "/api/v1/chat", {"message": text, "model": model}
    yield "/v1/route", {"prompt": text}
    yield "/v1/chat/completions", {"model": "keyed", "messages": turns}
    yield "/v1/embeddings", {"model": model, "input": text}


def wrong(canary: Canaries) -> Iterator[tuple[str, object]]:
    """Requests that are refused, each for another reason."""
    said = canary("refused prompt")
    turns = [{"role": "user", "content": said}]
    chat = "/v1/chat/completions"
    yield chat, b'{"model": "brisk", "messages": [{"role": "user", "content": "' + said.encode()
    yield chat, {"model": "brisk", "messages": turns, "temperature": canary("wrong type")}
    yield chat, {"model": "brisk", "messages": [{"role": said, "content": "x"}]}
    yield chat, {"model": "brisk", "messages": said}
    yield chat, {"model": canary("model"), "messages": turns}
    yield chat, {"model": "sour", "messages": turns}
    yield chat, {"model": "sour", "messages": turns, "stream": True}
    yield "/v1/messages", {"model": "brisk", "messages": turns, "max_tokens": canary("no number")}
    yield "/v1/messages", {"model": "sour", "messages": turns, "max_tokens": 9}
    yield (
        "/v1/responses",
        {"model": "sour", "input": said, "previous_response_id": canary("reference")},
    )
    yield "/api/chat", {"model": "sour", "messages": turns}
    yield "/v1/feedback", {"request_id": "none", "rating": 1, "comment": said}
    yield "/v1/route", {"prompt": {"no": said}}


def hostile(canary: Canaries) -> dict[str, str]:
    """Headers that are nobody's business."""
    return {
        "user-agent": canary("user agent"),
        "cookie": f"session={canary('cookie')}",
        "x-anything": canary("header"),
        "referer": f"http://localhost/{canary('referer')}",
        "x-forwarded-for": canary("forwarded"),
        "x-session-id": canary("session"),
    }


def call(client: Client, canary: Canaries) -> None:
    """Every kind of request, well and badly made."""
    last = ""
    for path, body in bodies(canary, "brisk"):
        for query in ("", f"?{canary('query')}={canary('query value')}"):
            named = {
                "x-request-id": canary("client request id"),
                "x-openwebui-user-id": canary("user"),
                "x-pointsman-cache-tags": canary("tag"),
            }
            answer = client.ask("POST", path + query, body, headers=named)
            last = answer.headers.get("x-request-id", last) if answer.status == 200 else last
    refused = [client.ask("POST", path, body).status for path, body in wrong(canary)]
    assert {400, 401, 404, 503} <= set(refused) | {401}, refused
    client.ask("GET", f"/v1/models/{canary('path')}")
    client.ask("GET", f"/{canary('path')}")
    client.ask("PUT", f"/v1/models/{canary('path')}")
    client.ask(
        "POST", "/v1/feedback", {"request_id": last, "rating": 1, "comment": canary("comment")}
    )
    for credential in ("wrong key", "another wrong key"):
        for headers in (
            {"authorization": f"Bearer {canary(credential)}"},
            {"authorization": f"Bearer pm_aaaaaaaa_{canary(credential)}"},
            {"authorization": f"Basic {canary(credential)}"},
        ):
            client.ask("GET", "/v1/report", headers=headers)
        client.ask("POST", "/dashboard/session", {"key": canary(credential)})


def read_all(client: Client) -> None:
    """Every path that tells something."""
    for path in (each for each in PATHS if each.method == "GET"):
        if "{" in path.path or path.path == "/v1/events":  # the decisions', and no end
            continue
        place = {"/v1/keys": "keys", "/v1/cache": "cache"}.get(path.path, "books")
        client.ask("GET", path.path, place=place)
    for query in ("csv", "jsonl"):
        client.ask("GET", f"/v1/export?format={query}", place="books")
    for path in ("/docs", "/openapi.json", "/metrics"):
        client.ask("GET", path, place="docs")
    decisions = json.loads(client.ask("GET", "/v1/decisions?limit=1000", place="books").body)
    for record in decisions["data"]:
        request_id = record["request_id"]
        client.ask("GET", f"/v1/decisions/{request_id}", place="books")
        client.ask("GET", f"/v1/decisions/{request_id}/prompt", place="prompts")


def made_key(client: Client, canary: Canaries) -> str:
    """A key from the gateway: whole in that one reply."""
    body = {"name": canary("key name"), "role": "admin"}
    answer = client.ask("POST", "/v1/keys", body, place="keys")
    text = answer.json()["key"]
    canary.secret("stored key", text.removeprefix("pm_").partition("_")[2])
    return text


@pytest.mark.full
@pytest.mark.parametrize("store", [False, True])
def test_no_canary_is_where_it_was_not_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, store: bool
):
    canary = Canaries()
    seen = Seen(canary, store)
    canary.put["secret in a prompt"] = SECRET
    monkeypatch.setenv("CANARY_PROVIDER", canary("provider key"))
    with Recorder() as upstream, Recorder() as sour:
        upstream.reply = completion(canary("reply"))
        sour.status, sour.reply = 401, refusal(canary("literal provider key"))
        config = CONFIG.format(
            reply=canary("reply"),
            keyed=upstream.base_url,
            sour=f"{sour.address}/sour/v1",
            literal=canary("literal provider key"),
            pattern=canary("pattern"),
            webhook=canary("webhook"),
            store=str(store).lower(),
        )
        with Gateway(
            tmp_path, config, api_key=canary("static key"), cache=True, log="json"
        ) as gateway:
            static = {"authorization": f"Bearer {gateway.api_key}", **hostile(canary)}
            client = Client(gateway, seen, static)
            key = made_key(client, canary)
            call(client, canary)
            call(Client(gateway, seen, {"x-api-key": key, **hostile(canary)}), canary)
            read_all(client)
            seen.look("log", gateway.printed.encode())
            seen.look("complaints", gateway.log.encode())
            assert "Traceback" not in gateway.log
            look_at_files(seen, tmp_path)
            gateway.stop()
            look_at_files(seen, tmp_path)
            assert canary("provider key") in upstream.sent[0].headers["authorization"]
    astray = seen.astray()
    assert astray == {}, astray


@pytest.mark.full
@pytest.mark.parametrize(
    "setting",
    [
        {"POINTSMAN_LEDGER__URL": "postgresql://me:{canary}@127.0.0.1:9/books"},
        {"POINTSMAN_LEDGER__URL": "sqlite://{canary}"},
        {"POINTSMAN_CACHE__URL": "redis://me:{canary}@127.0.0.1:9/0"},
        {"POINTSMAN_API_KEY": "{canary}", "POINTSMAN_SERVER__PORT": "{canary} is no port"},
        {"POINTSMAN_ALERTS__WEBHOOK": "ftp://{canary}", "POINTSMAN_ALERTS__AT": "7"},
    ],
    ids=" ".join,
)
def test_a_gateway_that_does_not_start_says_why_without_the_secret(
    tmp_path: Path, setting: dict[str, str]
):
    canary = Canaries()
    told_to = {name: value.format(canary=canary("setting")) for name, value in setting.items()}
    clean = {name: value for name, value in os.environ.items() if "POINTSMAN" not in name}
    run = subprocess.run(
        [sys.executable, "-m", "pointsman", "serve", "--port", "0"],
        env={**clean, **told_to, "POINTSMAN_HOME": str(tmp_path), "POINTSMAN_DETECT": "false"},
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert run.returncode == 1, run.stderr
    assert not canary.found((run.stdout + run.stderr).encode()), run.stderr
    assert "Traceback" not in run.stderr
