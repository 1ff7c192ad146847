"""What a reply is made of: ids, output items and the response object around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from pointsman.conversation import Finish, ToolCall
from pointsman.formats.responses.tools import Names, names_in
from pointsman.formats.wire import Head
from pointsman.types import Json, ModelRequest, Usage

Status: TypeAlias = Literal["in_progress", "completed", "incomplete", "failed"]
Object: TypeAlias = "dict[str, Json | msgspec.Raw]"

#: Said where a model declined without a word.
DECLINED = "The model declined to answer."

#: Why a reply is incomplete; every other finish is a complete one.
REASONS: Mapping[Finish, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
#: Members of the request that its reply repeats, and what they are where it lacks them.
_ECHOED: Mapping[str, bytes] = {
    "previous_response_id": b"null",
    "instructions": b"null",
    "tool_choice": b'"auto"',
    "truncation": b'"disabled"',
    "parallel_tool_calls": b"true",
    "top_p": b"1.0",
    "presence_penalty": b"0.0",
    "frequency_penalty": b"0.0",
    "top_logprobs": b"0",
    "temperature": b"1.0",
    "max_output_tokens": b"null",
    "max_tool_calls": b"null",
    "store": b"true",
    "background": b"false",
    "metadata": b"{}",
    "safety_identifier": b"null",
    "prompt_cache_key": b"null",
    "user": b"null",
}


class Frame:
    """The response object of one reply."""

    def __init__(self, request: ModelRequest, head: Head) -> None:
        """What it repeats of the request is encoded once."""
        self._base = head.request_id.removeprefix("req_")
        self._time = int(head.time.timestamp())
        self._model = head.model
        self._echo = _echo(request.members)
        self.names: Names = names_in(request.members.get("tools"))

    def item_id(self, prefix: str, index: int) -> str:
        """The id of the output item at `index`: `msg_<request>_0`."""
        return f"{prefix}_{self._base}_{index}"

    def response(
        self,
        status: Status,
        output: Iterable[Object] = (),
        *,
        usage: Usage | None = None,
        reason: str | None = None,
    ) -> Object:
        """The whole object; `reason` where it is incomplete."""
        done = status == "completed"
        return {
            "id": f"resp_{self._base}",
            "object": "response",
            "created_at": self._time,
            "completed_at": self._time if done else None,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self._model,
            "output": msgspec.Raw(msgspec.json.encode(list(output))),
            **self._echo,
            "usage": None if usage is None else _usage(usage),
        }

    def message(self, index: int, content: Iterable[Object], status: Status) -> Object:
        """A message item."""
        return {
            "id": self.item_id("msg", index),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": msgspec.Raw(msgspec.json.encode(list(content))),
        }

    def call(self, index: int, call: ToolCall, status: Status) -> Object:
        """A function call item, named as the client named the function."""
        name, namespace = self.names.original(call.name)
        item: Object = {
            "id": self.item_id("fc", index),
            "type": "function_call",
            "status": status,
            "call_id": call.id,
            "name": name,
            "arguments": call.arguments,
        }
        return item if namespace is None else {**item, "namespace": namespace}

    def thought(self, index: int, text: str, encrypted: str | None, status: Status) -> Object:
        """A reasoning item: the thinking is its summary, its proof is sealed in it."""
        item: Object = {
            "id": self.item_id("rs", index),
            "type": "reasoning",
            "status": status,
            "summary": [{"type": "summary_text", "text": text}] if text else [],
        }
        return item if encrypted is None else {**item, "encrypted_content": encrypted}


def text_part(text: str, logprobs: list[Json]) -> Object:
    """Words in a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}


def refusal_part(text: str) -> Object:
    """A refusal in a message."""
    return {"type": "refusal", "refusal": text}


def logprobs_of(said: Json) -> list[Json]:
    """The tokens in OpenAI's chat `logprobs` object, with `bytes` where they are missing."""
    match said:
        case {"content": [*tokens]}:
            return [_token(each) for each in tokens if isinstance(each, dict)]
    return []


def _token(said: dict[str, Json]) -> Json:
    alternatives = said.get("top_logprobs")
    return {
        **_chance(said),
        "top_logprobs": [
            _chance(each)
            for each in (alternatives if isinstance(alternatives, list) else [])
            if isinstance(each, dict)
        ],
    }


def _chance(said: dict[str, Json]) -> dict[str, Json]:
    token = said.get("token")
    word = token if isinstance(token, str) else ""
    own = said.get("bytes")
    return {
        "token": word,
        "logprob": said.get("logprob"),
        "bytes": own if isinstance(own, list) else list(word.encode()),
    }


def _usage(usage: Usage) -> dict[str, Json]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.written_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _echo(members: Mapping[str, bytes]) -> Object:
    echo: Object = {name: _said(members, name, default) for name, default in _ECHOED.items()}
    reasoning: dict[str, Json] = msgspec.json.decode(_said(members, "reasoning", b"{}"))
    text: dict[str, Json] = msgspec.json.decode(_said(members, "text", b"{}"))
    return {
        **echo,
        "tools": _tools(_said(members, "tools", b"[]")),
        "text": {**text, "format": text.get("format") or {"type": "text"}},
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "service_tier": "default",
    }


def _said(members: Mapping[str, bytes], name: str, default: bytes) -> msgspec.Raw:
    said = members.get(name, b"null")
    return msgspec.Raw(default if said == b"null" else said)


def _tools(raw: msgspec.Raw) -> msgspec.Raw:
    """The tools, with the members of a function that the reply must have."""
    tools: list[dict[str, Json]] = msgspec.json.decode(raw)
    blank: dict[str, Json] = {"description": None, "parameters": None, "strict": None}
    full = [{**blank, **tool} if tool.get("type") == "function" else tool for tool in tools]
    return msgspec.Raw(msgspec.json.encode(full))
