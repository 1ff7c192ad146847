"""Tool calls in chat messages: their arguments, and Google's place for proofs."""

from __future__ import annotations

import msgspec

from pointsman.conversation import ToolCall
from pointsman.types import Json


def arguments(stated: object) -> str:
    """JSON as the model wrote it; some servers have read it already."""
    if stated is None or isinstance(stated, str):
        return stated or ""
    return msgspec.json.encode(stated).decode()


def proof(extra: object) -> str | None:
    """Gemini's proof of a call's thoughts, in a call's `extra_content` (Google's OpenAI layer)."""
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else None


def write(call: ToolCall) -> dict[str, Json]:
    """A call, with Gemini's proof where Google's OpenAI layer has it."""
    written: dict[str, Json] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    if call.signature is not None:
        written["extra_content"] = {"google": {"thought_signature": call.signature}}
    return written
