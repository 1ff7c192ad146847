"""A scripted Gemini: Google's generateContent API, as far as the gateway speaks it.

The same request always gets the same answer. What it answers is told by the last text it is sent:

| text | answer |
| --- | --- |
| `think ...` | a thought and a text whose last piece is signed |
| `blocked` | no candidate: the prompt was blocked |
| `unsafe` | a candidate that was cut off by the safety filter |
| `malformed` | a call that does not parse |
| `quota` | 429 RESOURCE_EXHAUSTED with a retry delay |
| `break` | a stream that ends in an error, as bare JSON |
| anything else | `You said: <text>`, or a call of every tool that it may call |

Tools are called unless results are there already or the mode is NONE. Like Google it refuses
members that it does not know, calls without results, and signatures that are not its own.
Checked with google-genai 3.4.0 as its client.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.support.serving import serving

MODELS = ("gemini-3.8-flash", "gemini-2.5-flash")
SKIP_SIGNATURE = "skip_thought_signature_validator"

_TOP = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"}
_CONFIG = {
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "stopSequences",
    "candidateCount",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "responseMimeType",
    "responseJsonSchema",
    "thinkingConfig",
    "mediaResolution",
}
_PARTS = {
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
}


class Refused(Exception):
    """An error in Google's shape."""

    def __init__(self, code: int, status: str, message: str, *details: object) -> None:
        super().__init__(message)
        error: dict[str, object] = {"code": code, "message": message, "status": status}
        if details:
            error["details"] = list(details)
        self.code = code
        self.body = {"error": error}


class ScriptedGemini:
    """The server's app; `asked` holds every request's path and body, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.app = Starlette(
            routes=[
                Route("/{version}/models", self._models),
                Route("/{version}/models/{call}", self._model, methods=["GET"]),
                Route("/{version}/models/{call}", self._answer, methods=["POST"]),
            ]
        )

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"models": [_described(model) for model in MODELS]})

    async def _model(self, request: Request) -> Response:
        model = request.path_params["call"]
        if model not in MODELS:
            refused = Refused(404, "NOT_FOUND", f"models/{model} is not found")
            return JSONResponse(refused.body, refused.code)
        return JSONResponse(_described(model))

    async def _answer(self, request: Request) -> Response:
        model, _, method = request.path_params["call"].partition(":")
        body = camel(await request.json())
        try:
            _admit(request, model)
            self.asked.append((request.url.path, body))
            check(body, model)
            pieces = list(_pieces(body))
        except Refused as refused:
            return JSONResponse(refused.body, refused.code)
        chunks = list(_chunks(pieces, body, model))
        if method == "generateContent":
            return JSONResponse(_whole(chunks))
        assert request.query_params.get("alt") == "sse"
        broken = _last_text(body) == "break"
        return StreamingResponse(_events(chunks, broken=broken), media_type="text/event-stream")


@asynccontextmanager
async def scripted_gemini() -> AsyncIterator[tuple[str, ScriptedGemini]]:
    """Serve one from this event loop: its address, without a version, and itself."""
    gemini = ScriptedGemini()
    async with serving(gemini.app) as address:
        yield address, gemini


def camel(value: Any) -> Any:
    """The value with Google's own member names in camel case; its SDKs send some in snake case.

    Arguments, tools' responses and schemas are left as they are.
    """
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    renamed = {re.sub(r"_([a-z])", lambda m: m[1].upper(), name): name for name in value}
    verbatim = {"args", "response", "parametersJsonSchema", "responseJsonSchema"}
    return {
        name: value[old] if name in verbatim else camel(value[old]) for name, old in renamed.items()
    }


def check(body: dict[str, Any], model: str) -> None:
    """Raises Refused for what Google refuses."""
    _known(body, _TOP, "")
    config = body.get("generationConfig", {})
    _known(config, _CONFIG, " at 'generation_config'")
    thinking = config.get("thinkingConfig", {})
    if len(config.get("stopSequences", ())) > 5:
        raise _invalid("The number of stop sequences must be at most 5.")
    if {"thinkingBudget", "thinkingLevel"} <= thinking.keys():
        raise _invalid("You can only set only one of thinking budget and thinking level.")
    if not body.get("contents"):
        raise _invalid("contents is not specified")
    waiting = 0
    for content in body["contents"]:
        parts = content.get("parts") or []
        if not parts:
            raise _invalid("contents.parts must not be empty.")
        for part in parts:
            _known(part, _PARTS, " at 'contents.parts'")
        results = sum("functionResponse" in part for part in parts)
        if results != waiting:
            raise _invalid(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        calls = [part for part in parts if "functionCall" in part]
        waiting = len(calls)
        if model.startswith("gemini-3"):
            _check_signatures(calls)


def _admit(request: Request, model: str) -> None:
    if "x-goog-api-key" not in request.headers:
        raise Refused(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
    if model not in MODELS:
        raise Refused(404, "NOT_FOUND", f"models/{model} is not found")


def _check_signatures(calls: list[dict[str, Any]]) -> None:
    if calls and "thoughtSignature" not in calls[0]:
        raise _invalid("Function call is missing a thought_signature in functionCall parts.")
    for call in calls:
        made = _signature(call["functionCall"]["name"], call["functionCall"]["args"])
        if call.get("thoughtSignature", made) not in {made, SKIP_SIGNATURE}:
            raise _invalid("Corrupted thought signature.")


def _pieces(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Parts of the answer, and at last `{"finishReason": ...}`."""
    text = _last_text(body)
    if text == "quota":
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39.5s"}
        raise Refused(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", info)
    if text == "blocked":
        return
    if text == "malformed":
        yield {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed call: f("}
        return
    callable_tools = [] if _has_results(body) else _tools(body)
    if callable_tools:
        for number, name in enumerate(callable_tools):
            call = {"name": name, "args": {"text": text}, "id": f"fc-{number}-{_digest(text, 8)}"}
            part: dict[str, Any] = {"functionCall": call}
            if number == 0:
                part["thoughtSignature"] = _signature(name, call["args"])
            yield part
    else:
        if text.startswith("think"):
            yield {"text": "Let me think. ", "thought": True}
            yield {"text": "I have it.", "thought": True}
        yield from ({"text": piece} for piece in re.findall(r"\S+\s*", f"You said: {text}"))
        if text.startswith("think"):
            yield {"text": "", "thoughtSignature": _signature("text", text)}
    yield {"finishReason": "SAFETY" if text == "unsafe" else "STOP"}


def _chunks(
    pieces: list[dict[str, Any]], body: dict[str, Any], model: str
) -> Iterator[dict[str, Any]]:
    """The stream's chunks, each with what was used so far."""
    prompt = len(json.dumps(body)) // 4 + 1
    tail = {"modelVersion": model, "responseId": _digest(json.dumps(body, sort_keys=True), 22)}
    said = thought = 0
    if not pieces:
        usage = {"promptTokenCount": prompt, "totalTokenCount": prompt}
        yield {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage, **tail}
    for piece in pieces:
        candidate: dict[str, Any] = {"index": 0}
        if "finishReason" in piece:
            candidate |= {"content": {"role": "model", "parts": [{"text": ""}]}, **piece}
        else:
            candidate["content"] = {"role": "model", "parts": [piece]}
            thought += bool(piece.get("thought"))
            said += not piece.get("thought")
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": said,
            "totalTokenCount": prompt + said + thought,
            "thoughtsTokenCount": thought,
        }
        yield {"candidates": [candidate], "usageMetadata": usage, **tail}


def _whole(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The chunks as one reply."""
    whole = dict(chunks[-1])
    if "candidates" in whole:
        parts = [p for chunk in chunks for p in chunk["candidates"][0]["content"]["parts"]]
        spoken = [part for part in parts if part != {"text": ""}]
        content = {"role": "model", "parts": spoken}
        whole["candidates"] = [{**whole["candidates"][0], "content": content}]
    return whole


async def _events(chunks: list[dict[str, Any]], *, broken: bool) -> AsyncIterator[bytes]:
    for chunk in chunks[: 2 if broken else None]:
        yield b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"
    if broken:
        error = Refused(503, "UNAVAILABLE", "The model is overloaded.")
        yield json.dumps(error.body, indent=2).encode() + b"\r\n\r\n"


def _tools(body: dict[str, Any]) -> list[str]:
    config = body.get("toolConfig", {}).get("functionCallingConfig", {})
    declared = [
        each["name"] for tool in body.get("tools", ()) for each in tool["functionDeclarations"]
    ]
    allowed = config.get("allowedFunctionNames") or declared
    return [] if config.get("mode") == "NONE" else [name for name in declared if name in allowed]


def _has_results(body: dict[str, Any]) -> bool:
    return any("functionResponse" in part for part in body["contents"][-1]["parts"])


def _last_text(body: dict[str, Any]) -> str:
    texts = [part.get("text") for content in body["contents"] for part in content["parts"]]
    return next((text for text in reversed(texts) if text), "")


def _known(value: dict[str, Any], names: set[str], where: str) -> None:
    for name in value:
        if name not in names:
            raise _invalid(f'Invalid JSON payload received. Unknown name "{name}"{where}.')


def _invalid(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)


def _signature(name: str, said: object) -> str:
    return base64.b64encode(_digest(f"{name} {json.dumps(said)}", 24).encode()).decode()


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _described(model: str) -> dict[str, object]:
    return {
        "name": f"models/{model}",
        "displayName": model,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
