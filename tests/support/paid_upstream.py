"""An upstream in OpenAI's format that notes who pays: the key of each request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send


@dataclass
class PaidUpstream:
    """An ASGI application. Its log is what was really sent."""

    #: The keys that were shown with requests to the model, in order.
    keys: list[str] = field(default_factory=list)
    #: Keys that it refuses.
    refused: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a chat request."""
        more = scope["type"] == "http"
        while more:
            more = (await receive()).get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if scope["method"] == "POST":
            self.keys.append(key)
        status, body = (200, _ANSWER) if key not in self.refused else (401, _refusal(key))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


_MESSAGE = {"role": "assistant", "content": "Yes."}
_ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def _refusal(key: str) -> object:
    """As servers say it that repeat what they were sent."""
    told = f"Incorrect API key provided: {key}"
    return {"error": {"message": told, "type": "invalid_request_error"}}
