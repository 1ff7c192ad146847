"""What upstreams may answer, as data, and what becomes of it on the way to each client.

In `replies.toml` a feature has, under the name of an upstream's format, what its reply holds beside
the shortest one, and under `heard.<client>` a part of what a client must then get. Where that is
missing it is what an upstream of its format says; where it is empty, or there is no such upstream,
the client's format has no words for it. `<proof>` stands for any words in which the upstream's own
proof can be found.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from tests.formats import relay
from tests.formats.matrix.cells import holds
from tests.formats.relay import UPSTREAM_FORMATS, WRITTEN

from pointsman.types import FormatName, Json

ReplyFate: TypeAlias = Literal["passes through", "translated", "not said", "LOST"]

PROOF = "EqQB"

#: The shortest reply of each format.
SHORTEST: Mapping[FormatName, dict[str, Json]] = {
    "chat": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    },
    "responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi"}],
            }
        ],
        "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    },
    "messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    "gemini": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "Hi"}]},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
        "modelVersion": "m",
        "responseId": "r1",
    },
    "ollama": {
        "model": "m",
        "created_at": "2026-11-21T00:00:00Z",
        "message": {"role": "assistant", "content": "Hi"},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 10,
        "eval_count": 5,
    },
}


@dataclass(frozen=True)
class ReplyFeature:
    """Something that a reply may hold."""

    name: str
    says: Mapping[FormatName, dict[str, Json]]
    heard: Mapping[str, Json]

    def body(self, upstream: FormatName) -> bytes:
        """An upstream's reply that holds it."""
        return json.dumps(SHORTEST[upstream] | self.says[upstream], separators=(",", ":")).encode()

    def words(self, client: FormatName) -> Json:
        """What a client must get; None where its format has no words for it."""
        return self.heard[client] if client in self.heard else self.says.get(client)


@cache
def reply_features() -> tuple[ReplyFeature, ...]:
    """Every feature of replies."""
    text = Path(__file__).with_name("replies.toml").read_text(encoding="utf-8")
    return tuple(
        ReplyFeature(
            name=stated["name"],
            says={each: json.loads(stated[each]) for each in SHORTEST if each in stated},
            heard={
                client: json.loads(part) if part else None
                for client, part in stated.get("heard", {}).items()
            },
        )
        for stated in tomllib.loads(text)["features"]
    )


def reply_cells() -> Iterator[tuple[ReplyFeature, FormatName, FormatName, ReplyFate]]:
    """Every cell: a feature, who says it, who gets it, and what became of it."""
    for upstream in UPSTREAM_FORMATS:
        for feature in reply_features():
            if upstream in feature.says:
                for client in WRITTEN:
                    yield feature, upstream, client, heard(feature, upstream, client)


def heard(feature: ReplyFeature, upstream: FormatName, client: FormatName) -> ReplyFate:
    """What becomes of a feature on its way to a client, whole and streamed alike."""
    body = feature.body(upstream)
    got = relay.whole(client, upstream, body)
    if client == upstream:
        return "passes through" if got == body else "LOST"
    words = feature.words(client)
    if words is None:
        return "not said"
    return "translated" if holds(_proven(json.loads(got)), words) else "LOST"


def _proven(value: Json) -> Json:
    """The value with `<proof>` for every text that holds the upstream's proof."""
    if isinstance(value, dict):
        return {name: _proven(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_proven(each) for each in value]
    return "<proof>" if isinstance(value, str) and PROOF in value else value
