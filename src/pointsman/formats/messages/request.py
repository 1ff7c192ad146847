"""A Messages request, checked and seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from pointsman.errors import BadRequest
from pointsman.formats import members, strict_json
from pointsman.formats.counting import TOKENS_PER_MESSAGE, file_tokens
from pointsman.formats.messages import shape
from pointsman.formats.messages.shape import Spoken
from pointsman.formats.words import attached
from pointsman.tokens import BYTES_PER_TOKEN, estimate_tokens
from pointsman.types import Capability, Json, ModelRequest, Turn

#: An image of the largest size that is not scaled down (Anthropic's guide to vision).
_TOKENS_PER_IMAGE = 1600
#: Blocks that are in the turns already, or that nobody could read.
_NO_WORDS = frozenset({"text", "tool_result", "image"})
#: Claude Code names its session inside `metadata.user_id`.
_SESSION = re.compile(r'session_(?:id"\s*:\s*")?([0-9a-fA-F-]{36})')


class _ClaudeCode(msgspec.Struct):
    """What Claude Code says in `metadata.user_id`."""

    device_id: str = ""
    account_uuid: str = ""


def parse(body: bytes) -> ModelRequest:
    """A checked view of a request's body. Raises BadRequest that names the member at fault.

    `max_tokens` may be 0, which fills the provider's prompt cache and asks for no reply.
    Members that Pointsman does not know are left alone: they reach a server of this format.
    """
    value = _object(body)
    limit = members.whole(value, "max_tokens")
    if limit is None:
        raise shape.missing("max_tokens")
    if limit < 0:
        raise shape.wrong("max_tokens", "Input should be greater than or equal to 0")
    return _view(value, members.raw(body), limit)


def count_tokens(body: bytes) -> bytes:
    """The reply to `/v1/messages/count_tokens`: our estimate. Raises BadRequest."""
    request = _view(_object(body), members.raw(body), None)
    return msgspec.json.encode({"input_tokens": request.input_tokens})


def _object(body: bytes) -> dict[str, Json]:
    value = strict_json.decode(body)
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with `model` and `messages`")
    return value


def _view(value: dict[str, Json], raw: Mapping[str, bytes], limit: int | None) -> ModelRequest:
    model = value.get("model")
    if model is None:
        raise shape.missing("model")
    if not isinstance(model, str) or not model:
        raise shape.wrong("model", "Input should be a valid string")
    prompt = shape.system(value)
    said = shape.spoken(value)
    metadata = members.typed(value, "metadata", dict, "an object") or {}
    user_id = members.text(metadata, "user_id", "metadata.user_id")
    blocks = [*prompt, *(block for each in said for block in shape.every(each.blocks))]
    return ModelRequest(
        model=model,
        turns=(*([Turn("system", shape.texts(prompt))] if prompt else []), *_turns(said)),
        members=raw,
        private_texts=tuple(attached(value["messages"], _NO_WORDS)),
        needs=_needs(value, blocks),
        stream=members.flag(value, "stream"),
        input_tokens=TOKENS_PER_MESSAGE * len(said) + _tokens(blocks, raw),
        max_output_tokens=limit,
        format="messages",
        session=_session(user_id),
        user=_user(user_id),
    )


def _turns(said: Sequence[Spoken]) -> list[Turn]:
    """What was said, tools' results as turns of their own."""
    turns = []
    for each in said:
        results = [block for block in each.blocks if block["type"] == "tool_result"]
        turns += [Turn("tool", shape.texts(shape.nested(block, each.place))) for block in results]
        text = shape.texts(each.blocks)
        if text or not results:
            turns.append(Turn(each.role, text))
    return turns


def _needs(value: dict[str, Json], blocks: list[dict[str, Json]]) -> frozenset[Capability]:
    needs: set[Capability] = set()
    if members.objects(value, "tools"):
        needs.add("tools")
    if any(block["type"] == "image" for block in blocks):
        needs.add("vision")
    output = members.typed(value, "output_config", dict, "an object") or {}
    if output.get("format") or value.get("output_format"):
        needs.add("json_schema")
    return frozenset(needs)


def _session(user_id: str | None) -> str | None:
    found = _SESSION.search(user_id) if user_id else None
    return found[1] if found else None


def _user(user_id: str | None) -> str | None:
    """The end user; Claude Code's stays the same from session to session."""
    found = _SESSION.search(user_id) if user_id else None
    if not user_id or not found:
        return user_id or None
    try:
        named = msgspec.json.decode(user_id, type=_ClaudeCode)
    except msgspec.DecodeError:  # its older form: `user_..._account_..._session_...`
        return user_id[: found.start()].rstrip("_") or None
    return named.account_uuid or named.device_id or None


def _tokens(blocks: list[dict[str, Json]], raw: Mapping[str, bytes]) -> int:
    """All that the model reads: texts, tool calls, tools and schemas, images, documents."""
    stated = sum(len(raw.get(name, b"")) for name in ("tools", "output_config", "output_format"))
    return stated // BYTES_PER_TOKEN + sum(_block_tokens(block) for block in blocks)


def _block_tokens(block: dict[str, Json]) -> int:
    match block:
        case {"type": "text", "text": str(text)}:
            return estimate_tokens(text)
        case {"type": "image"}:
            return _TOKENS_PER_IMAGE
        case {"type": "document", "source": {"type": "base64", "data": str(data)}}:
            return file_tokens(data)
        case {"type": "document", "source": {"type": "url" | "file"}}:
            return file_tokens(None)
        case _:
            return len(msgspec.json.encode(block)) // BYTES_PER_TOKEN
