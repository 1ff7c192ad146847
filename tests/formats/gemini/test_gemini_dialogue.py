"""Whole dialogues with a scripted Gemini, over HTTP."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from msgspec.structs import replace
from tests.support.gemini_upstream import ScriptedGemini, scripted_gemini

from pointsman.conversation import (
    Addressee,
    Conversation,
    Message,
    ModelReply,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from pointsman.errors import UpstreamBroken
from pointsman.formats.collecting import choices
from pointsman.formats.gemini.error import retry_after
from pointsman.formats.gemini.format import GeminiUpstream
from pointsman.formats.sse import Splitter
from pointsman.formats.wire import StreamReader
from pointsman.types import Usage

MODEL = "gemini-3.8-flash"
GEMINI = GeminiUpstream()
WEATHER = Tool("weather", schema={"type": "object", "properties": {"text": {"type": "string"}}})


class Speaker:
    """Asks one scripted Gemini."""

    def __init__(self, url: str, script: ScriptedGemini, session: aiohttp.ClientSession) -> None:
        self.script = script
        self._url = f"{url}/v1beta/models/{MODEL}"
        self._session = session

    async def post(self, method: str, conversation: Conversation) -> tuple[int, bytes]:
        body = GEMINI.encode(conversation, Addressee(MODEL)).body
        headers = {"content-type": "application/json", "x-goog-api-key": "k"}
        async with self._session.post(f"{self._url}:{method}", data=body, headers=headers) as reply:
            return reply.status, await reply.read()

    async def ask(self, conversation: Conversation) -> ModelReply:
        status, body = await self.post("generateContent", conversation)
        assert status == 200, body
        return GEMINI.read(body, 9)

    async def stream(self, conversation: Conversation) -> tuple[StreamReader, ModelReply]:
        status, body = await self.post("streamGenerateContent?alt=sse", conversation)
        assert status == 200, body
        reader = GEMINI.reader(9, keep_usage=False)
        deltas = [delta for event in Splitter().feed(body) for delta in reader.read(event)]
        return reader, ModelReply(reader.model or "", choices(deltas), reader.usage)


@pytest.fixture
async def gemini() -> AsyncIterator[Speaker]:
    async with scripted_gemini() as (url, script), aiohttp.ClientSession() as session:
        yield Speaker(url, script, session)


def user(text: str) -> Conversation:
    return Conversation((Message("user", (Text(text),)),))


@pytest.mark.parametrize("text", ["Hi there", "think hard", "unsafe", "blocked"])
async def test_streamed_or_not_the_reply_is_the_same(gemini: Speaker, text: str) -> None:
    whole = await gemini.ask(user(text))
    reader, streamed = await gemini.stream(user(text))

    assert streamed == whole
    assert reader.finished
    assert whole.model == MODEL
    assert not whole.usage.estimated


async def test_thoughts_are_thinking_and_a_texts_signature_comes_after_it(gemini: Speaker) -> None:
    reply = await gemini.ask(user("think hard"))

    thought, text, signature = reply.choices[0].parts
    assert thought == Thinking("Let me think. I have it.")
    assert text == Text("You said: think hard")
    assert isinstance(signature, Thinking)
    assert (signature.signature or "").startswith("gemini:")
    assert reply.usage == replace(Usage(reasoning_tokens=2), **_sizes(reply.usage))


async def test_a_tool_loop_closes_because_signatures_come_back(gemini: Speaker) -> None:
    asked = replace(user("Rome"), tools=(WEATHER, replace(WEATHER, name="time")))
    reply = await gemini.ask(asked)
    calls = [part for part in reply.choices[0].parts if isinstance(part, ToolCall)]
    assert reply.choices[0].finish == "tool_calls"
    assert [call.name for call in calls] == ["weather", "time"]

    results = [Message("tool", (ToolResult(call.id, (Text("ok"),)),)) for call in calls]
    model = Message("assistant", reply.choices[0].parts)
    again = replace(asked, messages=(*asked.messages, model, *results))

    assert (await gemini.ask(again)).choices[0].parts == (Text("You said: Rome"),)
    sent = gemini.script.asked[-1][1]["contents"]
    assert sent[1]["parts"][0]["thoughtSignature"] == calls[0].signature
    assert [part["functionResponse"]["id"] for part in sent[2]["parts"]] == [c.id for c in calls]


async def test_a_history_from_another_model_is_taken(gemini: Speaker) -> None:
    history = (
        Message("user", (Text("Rome"),)),
        Message("assistant", (Thinking("Hm.", "theirs"), ToolCall("toolu_1", "weather", "{}"))),
        Message("tool", (ToolResult("toolu_1", (Text("sunny"),)),)),
        Message("user", (Text("And?"),)),
    )

    reply = await gemini.ask(Conversation(history, tools=(WEATHER,), stream=False))

    assert reply.choices[0].finish == "tool_calls"


async def test_a_quota_error_says_when_to_come_back(gemini: Speaker) -> None:
    status, body = await gemini.post("generateContent", user("quota"))

    assert status == 429
    assert GEMINI.fault(body).code == "RESOURCE_EXHAUSTED"
    assert retry_after(body) == 39.5


async def test_a_stream_that_breaks_says_why(gemini: Speaker) -> None:
    reader, heard = await gemini.stream(user("break"))

    assert heard.choices[0].parts == (Text("You said: "),)
    assert not reader.finished
    assert reader.error is not None
    assert reader.error.code == "UNAVAILABLE"


async def test_a_call_that_does_not_parse_is_no_answer(gemini: Speaker) -> None:
    with pytest.raises(UpstreamBroken, match="MALFORMED_FUNCTION_CALL"):
        await gemini.ask(user("malformed"))


def _sizes(usage: Usage) -> dict[str, int]:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
