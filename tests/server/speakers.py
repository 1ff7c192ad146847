"""The same dialogue in every client's words: what is asked, and what was heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
WEATHER = {"name": "weather", "description": "The weather of a city"}
FUNCTION = {"type": "function", "function": {**WEATHER, "parameters": SCHEMA}}


@dataclass(frozen=True)
class Call:
    """A tool that the model wants called."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass
class Heard:
    """One reply, whole or streamed."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    #: Tokens as the client was told: input and output.
    usage: tuple[int, int] = (0, 0)
    #: What stands in the conversation for it.
    said: list[Any] = field(default_factory=list)
    #: An error inside a stream.
    error: object = None


class Chat:
    """OpenAI's chat."""

    path = "/v1/chat/completions"

    def asking(self, text: str, *, tools: bool = False, stream: bool = False) -> dict[str, Any]:
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
        asked |= {"tools": [FUNCTION]} if tools else {}
        return asked | (
            {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        )

    def with_result(self, asked: dict[str, Any], heard: Heard, result: str) -> dict[str, Any]:
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": result} for call in heard.calls
        ]
        return asked | {"messages": [*asked["messages"], *heard.said, *results]}

    def whole(self, body: Any) -> Heard:
        message, usage = body["choices"][0]["message"], body["usage"]
        calls = [
            Call(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
            for c in message.get("tool_calls") or ()
        ]
        told = (usage["prompt_tokens"], usage["completion_tokens"])
        return Heard(message["content"] or "", calls, told, [message])

    def streamed(self, reply: httpx2.Response) -> Heard:
        heard = Heard()
        for event in _events(reply):
            heard.error = event.get("error")
            for choice in event.get("choices", ()):
                heard.text += choice["delta"].get("content") or ""
            if usage := event.get("usage"):
                heard.usage = (usage["prompt_tokens"], usage["completion_tokens"])
        return heard


class Messages:
    """Anthropic's."""

    path = "/v1/messages"

    def asking(self, text: str, *, tools: bool = False, stream: bool = False) -> dict[str, Any]:
        asked = {"max_tokens": 500, "messages": [{"role": "user", "content": text}]}
        asked |= {"tools": [{**WEATHER, "input_schema": SCHEMA}]} if tools else {}
        return asked | ({"stream": True} if stream else {})

    def with_result(self, asked: dict[str, Any], heard: Heard, result: str) -> dict[str, Any]:
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call in heard.calls
        ]
        told = [
            {"role": "assistant", "content": heard.said},
            {"role": "user", "content": results},
        ]
        return asked | {"messages": [*asked["messages"], *told]}

    def whole(self, body: Any) -> Heard:
        text = "".join(block.get("text", "") for block in body["content"])
        calls = [
            Call(block["id"], block["name"], block["input"])
            for block in body["content"]
            if block["type"] == "tool_use"
        ]
        return Heard(text, calls, self._usage(body["usage"]), body["content"])

    def streamed(self, reply: httpx2.Response) -> Heard:
        heard = Heard()
        usage: dict[str, Any] = {}
        for event in _events(reply):
            if event["type"] == "error":
                heard.error = event["error"]
            heard.text += event.get("delta", {}).get("text", "")
            usage |= event.get("message", {}).get("usage", {}) | event.get("usage", {})
        heard.usage = self._usage(usage)
        return heard

    @staticmethod
    def _usage(usage: Mapping[str, Any]) -> tuple[int, int]:
        read = usage.get("cache_read_input_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        return usage.get("input_tokens", 0) + read + written, usage.get("output_tokens", 0)


class Responses:
    """OpenAI's Responses."""

    path = "/v1/responses"

    def asking(self, text: str, *, tools: bool = False, stream: bool = False) -> dict[str, Any]:
        asked: dict[str, Any] = {"input": [{"role": "user", "content": text}], "store": False}
        asked |= {"tools": [{"type": "function", **WEATHER, "parameters": SCHEMA}]} if tools else {}
        return asked | ({"stream": True} if stream else {})

    def with_result(self, asked: dict[str, Any], heard: Heard, result: str) -> dict[str, Any]:
        results = [
            {"type": "function_call_output", "call_id": call.id, "output": result}
            for call in heard.calls
        ]
        return asked | {"input": [*asked["input"], *heard.said, *results]}

    def whole(self, body: Any) -> Heard:
        text = "".join(
            part.get("text", "")
            for item in body["output"]
            if item["type"] == "message"
            for part in item["content"]
        )
        calls = [
            Call(item["call_id"], item["name"], json.loads(item["arguments"]))
            for item in body["output"]
            if item["type"] == "function_call"
        ]
        usage = body["usage"] or {"input_tokens": 0, "output_tokens": 0}
        return Heard(text, calls, (usage["input_tokens"], usage["output_tokens"]), body["output"])

    def streamed(self, reply: httpx2.Response) -> Heard:
        heard = Heard()
        for event in _events(reply):
            if event["type"] == "response.output_text.delta":
                heard.text += event["delta"]
            if event["type"] == "response.completed":
                heard.usage = self.whole(event["response"]).usage
            if event["type"] in {"error", "response.failed"}:
                heard.error = event
        return heard


class Ollama:
    """Ollama's."""

    path = "/api/chat"

    def asking(self, text: str, *, tools: bool = False, stream: bool = False) -> dict[str, Any]:
        asked = {"messages": [{"role": "user", "content": text}], "stream": stream}
        return asked | ({"tools": [FUNCTION]} if tools else {})

    def with_result(self, asked: dict[str, Any], heard: Heard, result: str) -> dict[str, Any]:
        results = [
            {"role": "tool", "tool_name": call.name, "content": result} for call in heard.calls
        ]
        return asked | {"messages": [*asked["messages"], *heard.said, *results]}

    def whole(self, body: Any) -> Heard:
        message = body["message"]
        calls = [
            Call("", call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
        ]
        usage = (body.get("prompt_eval_count", 0), body.get("eval_count", 0))
        return Heard(message["content"], calls, usage, [message])

    def streamed(self, reply: httpx2.Response) -> Heard:
        heard = Heard()
        for line in reply.text.splitlines():
            event = json.loads(line)
            heard.error = event.get("error", heard.error)
            heard.text += event.get("message", {}).get("content", "")
            if event.get("done"):
                heard.usage = (event["prompt_eval_count"], event["eval_count"])
        return heard


Speaker = Chat | Messages | Responses | Ollama
SPEAKERS: Mapping[str, Speaker] = {
    "chat": Chat(),
    "messages": Messages(),
    "responses": Responses(),
    "ollama": Ollama(),
}


def _events(reply: httpx2.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if "data: " in line]
    return [json.loads(line) for line in lines if line != "[DONE]"]
