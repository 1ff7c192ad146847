"""Thinking in chat messages: `reasoning_details`, as OpenRouter publishes them.

Chat clients hand a reply's message back unread, so what stands there survives the round trip:
`{"type": "reasoning.text", "text", "signature"}`, `{"type": "reasoning.encrypted", "data"}` and
`{"type": "reasoning.summary", "summary"}`. Plain texts come beside it as `reasoning_content`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.conversation import Thinking
from pointsman.types import Json


def thoughts(details: object, text: object) -> list[Thinking]:
    """What `reasoning_details` hold; where they hold nothing, `text` is all there is.

    Pieces as a stream brings them stay pieces: see `collecting`.
    """
    entries = details if isinstance(details, list) else []
    found = [thought for entry in entries if (thought := _thought(entry)) is not None]
    return found or ([Thinking(text)] if isinstance(text, str) and text else [])


def written(thought: Thinking, index: int) -> dict[str, Json]:
    """An entry of `reasoning_details`, or a piece of the entry with this index."""
    if thought.redacted:
        return {"type": "reasoning.encrypted", "data": thought.signature or "", "index": index}
    entry: dict[str, Json] = {"type": "reasoning.text", "text": thought.text, "index": index}
    if thought.signature is not None:
        entry["signature"] = thought.signature
    return entry


def spoken(thoughts: Sequence[Thinking]) -> dict[str, Json]:
    """An assistant's thinking: its words as all clients read them, and its proofs."""
    details: list[Json] = [written(thought, i) for i, thought in enumerate(thoughts)]
    text = "".join(thought.text for thought in thoughts)
    return ({"reasoning_content": text} if text else {}) | {"reasoning_details": details}


def _thought(entry: object) -> Thinking | None:
    if not isinstance(entry, dict):
        return None
    data, signature = entry.get("data"), entry.get("signature")
    if entry.get("type") == "reasoning.encrypted" and isinstance(data, str):
        return Thinking("", signature=data, redacted=True)
    text = entry.get("text") or entry.get("summary") or ""
    proof = signature if isinstance(signature, str) and signature else None
    if not isinstance(text, str) or not (text or proof):
        return None
    return Thinking(text, signature=proof)
