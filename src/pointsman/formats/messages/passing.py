"""A Messages request for a server of the same format: as it came, but for what must change."""

from __future__ import annotations

import re

import msgspec

from pointsman.conversation import Addressee, Encoded
from pointsman.formats import members
from pointsman.formats.losses import dropped
from pointsman.formats.messages import models
from pointsman.formats.proofs import is_marked
from pointsman.types import Json, ModelRequest

#: Empty, or another provider's: theirs carry a mark before a colon, Claude's are base64.
_UNSIGNED = re.compile(rb'"(signature|data)"\s*:\s*"([a-z]+:|")')
_THOUGHTS = {"thinking": "signature", "redacted_thinking": "data"}


def pass_through(request: ModelRequest, to: Addressee) -> Encoded:
    """The client's own members, byte for byte, but for `model` and what is configured.

    Claude refuses a conversation with thinking that it did not sign. Where another model thought
    in an earlier turn, its thinking, which only we can have passed for Claude's, is left out.
    """
    drop = dropped(to.drop)
    left_out = [name for name in request.members if name in drop]
    raw = {name: value for name, value in request.members.items() if name not in drop}
    raw["model"] = msgspec.json.encode(to.model)
    if models.takes(to.model).claude and _UNSIGNED.search(raw["messages"]):
        raw["messages"] = _signed(raw["messages"])
        left_out.append("thinking")
    for name, value in to.extra.items():
        raw[name] = msgspec.json.encode(value)
    return Encoded(members.joined(raw), tuple(left_out))


def _signed(raw: bytes) -> bytes:
    kept: list[dict[str, Json]] = []
    messages: list[dict[str, Json]] = msgspec.json.decode(raw)
    for message in messages:
        content = message.get("content")
        if message["role"] == "assistant" and isinstance(content, list):
            message["content"] = [block for block in content if not _is_unsigned(block)]
        if message.get("content") or not content:
            kept.append(message)
    return msgspec.json.encode(kept)


def _is_unsigned(block: Json) -> bool:
    if not isinstance(block, dict):
        return False
    proof = block.get(_THOUGHTS.get(str(block.get("type")), ""), None)
    return isinstance(proof, str) and (not proof or is_marked(proof))
