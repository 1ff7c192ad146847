"""What real clients send, replayed against a gateway in this process.

`replays/*.json` holds a client's exchanges: method, path, headers and body as the client sends
them, what the scripted deployments answer, and what the client needs of the reply. `like` takes up
another exchange's request, `then` appends to its conversation.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman.providers.scripted import Script, ScriptedProvider

REPLAYS = sorted(Path(__file__).with_name("replays").glob("*.json"))
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Exchange:
    """One request of a client, and what it needs of the reply."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, object] | None
    script: dict[str, object]
    needs: dict[str, object]
    #: What the deployment is to see of the request.
    reaches: dict[str, object]
    #: Seconds after which the client gives up.
    patience_s: float


def exchanges():
    for path in REPLAYS:
        told = json.loads(path.read_text(encoding="utf-8"))
        by_name = {each["name"]: each for each in told["exchanges"]}
        for each in told["exchanges"]:
            request = by_name[each.get("like", each["name"])]
            posted = told["posted_headers"] if request["method"] == "POST" else {}
            exchange = Exchange(
                method=request["method"],
                path=request["path"],
                headers={**posted, **request.get("headers", {})},
                body=followed(request.get("body"), each.get("then", [])),
                script=each.get("script", {}),
                needs=each["needs"],
                reaches=each.get("reaches", {}),
                patience_s=each.get("patience_s", PATIENCE_S),
            )
            yield pytest.param(exchange, id=f"{told['client']}: {each['name']}")


def followed(body, then):
    if not then:
        return body
    turns = "messages" if "messages" in body else "input"
    return {**body, turns: [*body[turns], *then]}


@pytest.mark.parametrize("exchange", list(exchanges()))
async def test_a_client_finds_what_it_needs(start: StartGateway, exchange: Exchange):
    gateway = await start()
    deployments = [
        gateway.tell(name, Script.from_mapping(exchange.script)) for name in ("weak", "strong")
    ]

    async with asyncio.timeout(exchange.patience_s):
        reply = await sent(gateway, exchange)

    meets(reply, exchange.needs)
    reached(deployments, exchange.reaches)


async def sent(gateway: Gateway, exchange: Exchange) -> httpx2.Response:
    content = None if exchange.body is None else json.dumps(exchange.body).encode()
    return await gateway.client.request(
        exchange.method, exchange.path, headers=exchange.headers, content=content
    )


def meets(reply: httpx2.Response, needs: dict[str, object]) -> None:
    """Hold a reply against what its client needs, as the replay's words say it."""
    assert reply.status_code == needs.get("status", 200), reply.text
    assert needs.get("content_type", "") in reply.headers.get("content-type", "")
    assert reply.headers["x-request-id"]
    if "text/event-stream" in reply.headers.get("content-type", ""):
        events = list(events_of(reply.text))
        kinds = [kind for kind, _ in events]
        values = [value for _, value in events if value is not None]
        assert in_order(needs.get("events", []), kinds), kinds
        for member in needs.get("each_has", []):
            assert all(member in value for value in values), f"a chunk has no {member}"
        if "usage" in needs:
            assert any(value.get("usage") for value in values) is needs["usage"]
    else:
        values = [reply.json()] if reply.content else []
    for pointer in needs.get("has", []):
        at(values[0], pointer)
    for pointer, wanted in needs.get("equals", {}).items():
        assert at(values[0], pointer) == wanted
    if "text" in needs:
        assert "".join(text for value in values for text in texts_of(value)) == needs["text"]
    if "call" in needs:
        assert call_of(values) == needs["call"]


def events_of(stream: str):
    """The events of a stream: what each calls itself, and its value (None for `[DONE]`)."""
    for block in stream.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" not in lines:
            continue
        if lines["data"] == "[DONE]":
            yield "[DONE]", None
        else:
            value = json.loads(lines["data"])
            kind = value.get("type", value.get("object"))
            assert lines.get("event", kind) == kind, "an event's name is its type"
            yield kind, value


def in_order(wanted: list[str], found: list[str]) -> bool:
    """Whether `found` starts and ends as `wanted` does, and has the rest between, in its order."""
    rest = iter(found)
    return not wanted or (wanted[-1] == found[-1] and all(each in rest for each in wanted))


def at(value, pointer: str):
    """What is at a JSON pointer; fails where nothing is."""
    for step in pointer.split("/")[1:]:
        value = value[int(step) if isinstance(value, list) else step]
    return value


def texts_of(value):
    """The text that a body or an event adds to the reply, whichever API speaks."""
    match value:
        case {"choices": list(choices)}:
            for choice in choices:
                said = choice.get("delta") or choice.get("message") or {}
                yield said.get("content") or choice.get("text") or ""
        case {"type": "response.output_text.delta", "delta": str(text)}:
            yield text
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
            yield text


def call_of(values):
    """The tool that a stream calls: its name, its arguments and, where it has one, a namespace."""
    names: list[str] = []
    namespace = {}
    arguments = ""
    for value in values:
        match value:
            case {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": function}]}}]}:
                names += [function["name"]] if function.get("name") else []
                arguments += function.get("arguments", "")
            case {"type": "content_block_start", "content_block": {"type": "tool_use"} as block}:
                names.append(block["name"])
            case {"type": "content_block_delta", "delta": {"type": "input_json_delta"} as delta}:
                arguments += delta["partial_json"]
            case {
                "type": "response.output_item.done",
                "item": {"type": "function_call"} as item,
            }:
                names.append(item["name"])
                arguments = item["arguments"]
                namespace = {key: item[key] for key in ("namespace",) if item.get(key)}
    assert len(names) == 1, names
    return {**namespace, "name": names[0], "arguments": json.loads(arguments)}


def reached(deployments: list[ScriptedProvider], reaches: dict[str, object]) -> None:
    """Hold what the deployment was sent against what must not be lost on the way."""
    if not reaches:
        return
    served = [each for deployment in deployments for each in deployment.log]
    assert len(served) == 1
    request = json.loads(served[0].request)
    messages = request["messages"]
    if "last_user" in reaches:
        users = [message for message in messages if message["role"] == "user"]
        assert plain(users[-1]["content"]).endswith(reaches["last_user"])
    if "roles" in reaches:
        assert [message["role"] for message in messages[-2:]] == reaches["roles"]
    if "tools" in reaches:
        assert [tool["function"]["name"] for tool in request["tools"]] == reaches["tools"]


def plain(content) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
