"""What the clients of `overhead.py` ask and what its upstream answers, in each wire format.

All replies say the same, in bytes made once. A stream is an opening, one event a token, and a
closing; the token's text is put where `HERE` stands.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

Body = dict[str, object]

HERE = "@"
SYSTEM = "You are a helpful assistant. Be brief."
SAID = "text " * 230
MODEL, CREATED = "gpt-6-luna", 1767225600
READ, WRITTEN = 412, 290  # tokens
USAGE = {"prompt_tokens": READ, "completion_tokens": WRITTEN, "total_tokens": READ + WRITTEN}
DONE = b"data: [DONE]\n\n"
SSE, NDJSON = b"text/event-stream", b"application/x-ndjson"


@dataclass(frozen=True)
class Canned:
    """What an upstream says."""

    whole: bytes
    opening: bytes
    token: bytes
    closing: bytes
    #: The content type of its streams.
    kind: bytes = SSE


#: What each client posts, by its format.
PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "ollama": "/api/chat",
}


def asked(client: str, model: str, prompt: str, *, stream: int = 0) -> bytes:
    """Return a request's body in a client's format; `stream` is how many tokens are to be streamed."""
    user = {"role": "user", "content": prompt}
    both = [{"role": "system", "content": SYSTEM}, user]
    limits = {"max_tokens": stream} if stream else {}
    bodies: Mapping[str, Body] = {
        "chat": {"messages": both, "temperature": 0.7, **limits},
        "completions": {"prompt": f"{SYSTEM}\n{prompt}", "temperature": 0.7, **limits},
        "responses": {
            "instructions": SYSTEM,
            "input": [user],
            "temperature": 0.7,
            **({"max_output_tokens": stream} if stream else {}),
        },
        "messages": {
            "system": SYSTEM,
            "messages": [user],
            "temperature": 0.7,
            "max_tokens": stream or 1024,
        },
        "ollama": {
            "messages": both,
            "options": {"temperature": 0.7, **({"num_predict": stream} if stream else {})},
        },
    }
    streamed = {"stream": bool(stream)} if stream or client == "ollama" else {}
    return json.dumps({"model": model, **bodies[client], **streamed}).encode()


def chat(*, usage: bool = False) -> Canned:
    """OpenAI's chat; with usage, as to who asked for it, every event has a member for it."""
    head = {"id": "chatcmpl-CkzJ4GmqyT2Pj8bUwK1vXsA9", "created": CREATED, "model": MODEL}
    message = {"role": "assistant", "content": SAID, "refusal": None}
    ended = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    chunk = {**head, "object": "chat.completion.chunk"}
    unsaid: Body = {"usage": None} if usage else {}

    def event(delta: object, finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**chunk, "choices": [choice], **unsaid})

    last = sse({**chunk, "choices": [], "usage": USAGE}) if usage else b""
    return Canned(
        whole=_json({**head, "object": "chat.completion", "choices": [ended], "usage": USAGE}),
        opening=b"",
        token=event({"content": HERE}, None),
        closing=event({}, "stop") + last + DONE,
    )


def completions(*, usage: bool = False) -> Canned:
    """OpenAI's legacy completions."""
    head = {"id": "cmpl-CkzJ4GmqyT2Pj8bUwK1vXsA9", "object": "text_completion", "created": CREATED}
    head |= {"model": MODEL}

    def choices(text: str, finish: str | None) -> Body:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [choice], **({"usage": None} if usage else {})}

    last = sse({**head, "choices": [], "usage": USAGE}) if usage else b""
    return Canned(
        whole=_json({**choices(SAID, "stop"), "usage": USAGE}),
        opening=b"",
        token=sse(choices(HERE, None)),
        closing=sse(choices("", "stop")) + last + DONE,
    )


def responses() -> Canned:
    """OpenAI's responses."""
    item_id = "msg_68f1c2e0a4b0819f8a6d"
    place = {"item_id": item_id, "output_index": 0, "content_index": 0}
    used = {
        "input_tokens": READ,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": WRITTEN,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": READ + WRITTEN,
    }

    def part(text: str) -> Body:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def item(*parts: Body) -> Body:
        status = "completed" if parts else "in_progress"
        made: Body = {"id": item_id, "type": "message", "status": status}
        return {**made, "role": "assistant", "content": parts}

    def response(*output: Body) -> Body:
        status = "completed" if output else "in_progress"
        made: Body = {"id": "resp_68f1c2dfe0a4819f8a6d", "object": "response", "model": MODEL}
        made |= {"created_at": CREATED, "status": status, "error": None, "output": output}
        return {**made, "incomplete_details": None, "usage": used if output else None}

    def event(kind: str, **members: object) -> bytes:
        return sse({"type": kind, "sequence_number": 7, **members}, name=kind)

    empty, said = part(""), part(SAID)
    return Canned(
        whole=_json(response(item(said))),
        opening=event("response.created", response=response())
        + event("response.in_progress", response=response())
        + event("response.output_item.added", output_index=0, item=item())
        + event("response.content_part.added", **place, part=empty),
        token=event("response.output_text.delta", **place, delta=HERE, logprobs=[]),
        closing=event("response.output_text.done", **place, text=SAID, logprobs=[])
        + event("response.content_part.done", **place, part=said)
        + event("response.output_item.done", output_index=0, item=item(said))
        + event("response.completed", response=response(item(said))),
    )


def messages() -> Canned:
    """Anthropic's messages."""
    used = {
        "input_tokens": READ,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": WRITTEN,
    }

    def message(*content: Body) -> Body:
        ended = {"stop_reason": "end_turn" if content else None, "stop_sequence": None}
        made: Body = {"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "model": MODEL}
        return {**made, "role": "assistant", "content": content, **ended, "usage": used}

    def event(kind: str, **members: object) -> bytes:
        return sse({"type": kind, **members}, name=kind)

    block: Body = {"type": "text", "text": ""}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return Canned(
        whole=_json(message({"type": "text", "text": SAID})),
        opening=event("message_start", message=message())
        + event("content_block_start", index=0, content_block=block)
        + event("ping"),
        token=event("content_block_delta", index=0, delta={"type": "text_delta", "text": HERE}),
        closing=event("content_block_stop", index=0)
        + event("message_delta", delta=ended, usage={"output_tokens": WRITTEN})
        + event("message_stop"),
    )


def ollama() -> Canned:
    """Ollama's chat."""
    figures = {
        "total_duration": 2_883_583_500,
        "load_duration": 40_834_900,
        "prompt_eval_count": READ,
        "prompt_eval_duration": 310_212_000,
        "eval_count": WRITTEN,
        "eval_duration": 2_530_110_000,
    }
    ended = {"done": True, "done_reason": "stop", **figures}

    def line(text: str, **more: object) -> bytes:
        head = {"model": MODEL, "created_at": "2026-11-21T12:00:00.123456Z"}
        message = {"role": "assistant", "content": text}
        return _json({**head, "message": message, **(more or {"done": False})}) + b"\n"

    return Canned(
        whole=line(SAID, **ended),
        opening=b"",
        token=line(HERE),
        closing=line("", **ended),
        kind=NDJSON,
    )


def gemini() -> Canned:
    """Google's generateContent."""
    used = {
        "promptTokenCount": READ,
        "candidatesTokenCount": WRITTEN,
        "totalTokenCount": READ + WRITTEN,
    }

    def said(text: str, **more: object) -> Body:
        content = {"parts": [{"text": text}], "role": "model"}
        reply: Body = {"candidates": [{"content": content, "index": 0, **more}]}
        reply |= {"usageMetadata": used, "modelVersion": MODEL}
        return {**reply, "responseId": "mAItaLmkHPPlz7IPvtfUqQ4"}

    return Canned(
        whole=_json(said(SAID, finishReason="STOP")),
        opening=b"",
        token=sse(said(HERE)),
        closing=sse(said("", finishReason="STOP")),
    )


def sse(data: Body, *, name: str | None = None) -> bytes:
    """Return an event."""
    event = b"event: %b\n" % name.encode() if name else b""
    return event + b"data: " + _json(data) + b"\n\n"


def _json(value: Body) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
