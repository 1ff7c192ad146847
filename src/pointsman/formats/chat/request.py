"""OpenAI's chat request: checked, seen, and written again with only what must change changed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.conversation import Addressee, Encoded
from pointsman.errors import BadRequest
from pointsman.formats import members, strict_json
from pointsman.formats.counting import (
    TOKENS_PER_IMAGE,
    TOKENS_PER_MESSAGE,
    file_tokens,
    sound_tokens,
)
from pointsman.formats.words import attached, words
from pointsman.tokens import BYTES_PER_TOKEN, estimate_tokens
from pointsman.types import Capability, Json, ModelRequest, Turn

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_NEEDED_BY_PART: Mapping[str, Capability] = {"image_url": "vision", "input_audio": "audio"}

#: Parts that are in the turns already, or that nobody could read.
_NO_WORDS = frozenset({"text", "image_url", "input_audio"})


def parse_chat(body: bytes) -> ModelRequest:
    """A checked view of a chat request's body. Raises BadRequest that names the member at fault.

    Members that Pointsman does not know are left alone: they reach the model.
    """
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with `model` and `messages`")
    turns, parts = _messages(value.get("messages"))
    stream = members.flag(value, "stream")
    tools = _tools(value)
    raw = members.raw(body)
    return ModelRequest(
        model=_model(value),
        turns=turns,
        members=raw,
        private_texts=_private(value, parts),
        needs=_needs(value, tools, parts),
        stream=stream,
        include_usage=members.usage_wish(value),
        input_tokens=_prompt_tokens(turns, value["messages"], raw, parts),
        max_output_tokens=_reply_limit(value),
        session=members.text(value, "prompt_cache_key"),
        user=members.end_user(value),
        choices=members.whole(value, "n", least=1) or 1,
    )


def chat_body(model: str, prompt: str | list[Json], parameters: Mapping[str, Json]) -> bytes:
    """A chat request's body, from a prompt or from messages. Raises BadRequest."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    try:
        return msgspec.json.encode({"model": model, "messages": messages, **parameters})
    except UnicodeEncodeError as error:
        raise BadRequest("the prompt holds a lone surrogate, which is no character") from error


def pass_through(request: ModelRequest, to: Addressee) -> Encoded:
    """The body for an upstream: the client's own members, but for two.

    `model` becomes the deployment's; a stream always asks for usage, since the books need it.
    What the configuration drops is left out, and what it sets is set.
    """
    left_out = tuple(name for name in request.members if name in to.drop)
    raw = {name: member for name, member in request.members.items() if name not in to.drop}
    raw["model"] = msgspec.json.encode(to.model)
    if request.stream and "stream_options" not in to.drop:
        asked = msgspec.json.decode(raw.get("stream_options", b"null"))
        options = {**(asked or {}), "include_usage": True}
        raw["stream_options"] = msgspec.json.encode(options)
    raw |= {name: msgspec.json.encode(member) for name, member in to.extra.items()}
    return Encoded(members.joined(raw), left_out)


def _model(value: dict[str, Json]) -> str:
    model = value.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest(
            '`model` must be a string; send "auto" to let Pointsman choose', param="model"
        )
    return model


def _messages(value: Json) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns, and the types of all content parts that are not text."""
    if not isinstance(value, list) or not value:
        raise BadRequest("`messages` must be an array with at least one message", param="messages")
    parts: list[str] = []
    turns = tuple(_turn(message, f"messages[{i}]", parts) for i, message in enumerate(value))
    return turns, tuple(parts)


def _turn(message: Json, place: str, parts: list[str]) -> Turn:
    if not isinstance(message, dict):
        raise BadRequest(f"`{place}` must be an object", param=place)
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        known = ", ".join(sorted(_ROLES))
        raise BadRequest(f"`{place}.role` must be one of {known}", param=f"{place}.role")
    content = message.get("content")
    if content is None and role not in {"assistant", "function"}:
        raise BadRequest(f"`{place}.content` is missing", param=f"{place}.content")
    return Turn(role, _text(content, f"{place}.content", parts))


def _text(content: Json, place: str, parts: list[str]) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise BadRequest(f"`{place}` must be a string or an array of parts", param=place)
    texts = []
    for i, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(kind, str):
            raise BadRequest(f"`{place}[{i}]` must be an object with a `type`", param=place)
        if kind != "text":
            parts.append(kind)
            continue
        text = part.get("text", "")
        if not isinstance(text, str):
            raise BadRequest(f"`{place}[{i}].text` must be a string", param=place)
        texts.append(text)
    return "\n".join(texts)


def _private(value: dict[str, Json], parts: tuple[str, ...]) -> tuple[str, ...]:
    """The words in users' parts of other types, and in the reply that is foretold."""
    others = attached(value["messages"], _NO_WORDS) if not _NO_WORDS.issuperset(parts) else ()
    foretold = value.get("prediction")
    return (*others, *([words(foretold)] if foretold else []))


def _needs(
    value: dict[str, Json], tools: list[Json], parts: tuple[str, ...]
) -> frozenset[Capability]:
    needs: set[Capability] = {_NEEDED_BY_PART[p] for p in parts if p in _NEEDED_BY_PART}
    response_format = members.typed(value, "response_format", dict, "an object") or {}
    if tools or members.typed(value, "functions", list, "an array"):
        needs.add("tools")
    if response_format.get("type") == "json_schema":
        needs.add("json_schema")
    if members.flag(value, "logprobs"):
        needs.add("logprobs")
    if (members.whole(value, "n", least=1) or 1) > 1:
        needs.add("n")
    return frozenset(needs)


def _tools(value: dict[str, Json]) -> list[Json]:
    tools = members.typed(value, "tools", list, "an array") or []
    for i, tool in enumerate(tools):
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            place = f"tools[{i}]"
            raise BadRequest(f"`{place}` must be an object with a `type`", param=place)
    return tools


def _prompt_tokens(
    turns: tuple[Turn, ...], messages: Json, raw: Mapping[str, bytes], parts: tuple[str, ...]
) -> int:
    """All that the model reads: texts, tool calls, tools and schemas, images, files, sound."""
    text = sum(estimate_tokens(turn.text) + TOKENS_PER_MESSAGE for turn in turns)
    calls = [
        m["tool_calls"] for m in _list(messages) if isinstance(m, dict) and m.get("tool_calls")
    ]
    stated = [raw.get(name, b"") for name in ("tools", "functions", "response_format")]
    size = sum(map(len, stated)) + sum(len(msgspec.json.encode(call)) for call in calls)
    seen = TOKENS_PER_IMAGE * parts.count("image_url") + _attached_tokens(messages, parts)
    return text + size // BYTES_PER_TOKEN + seen


def _attached_tokens(messages: Json, parts: tuple[str, ...]) -> int:
    """Of files and sound."""
    if not {"file", "input_audio"}.intersection(parts):
        return 0
    contents = (_list(m.get("content")) for m in _list(messages) if isinstance(m, dict))
    return sum(_part_tokens(part) for content in contents for part in content)


def _part_tokens(part: Json) -> int:
    match part:
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return sound_tokens(data)
        case {"type": "file", "file": {"file_data": str(data)}}:
            head, _, body = data.rpartition(",")
            return file_tokens(body, head.removeprefix("data:"))
        case {"type": "file"}:
            return file_tokens(None)
        case _:
            return 0


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _reply_limit(value: dict[str, Json]) -> int | None:
    """What the client allows, the most where it says two: each server reads only one of them.

    Below 1, which some servers read as no limit, is the model's matter.
    """
    stated = (members.whole(value, name) for name in ("max_completion_tokens", "max_tokens"))
    limits = [limit for limit in stated if limit is not None]
    return max(limits) if limits and min(limits) >= 1 else None
