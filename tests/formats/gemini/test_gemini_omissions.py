"""What generateContent can't say: refused, dropped as configured, or left out and named."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.formats.gemini.asking import HELLO, NEW, OLD, WEATHER, body_of, encoded, refused, user

from pointsman.conversation import (
    Conversation,
    File,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.errors import Inexpressible

REFUSED: list[tuple[Conversation, str]] = [
    (replace(HELLO, foreign=("audio",)), "`audio`"),
    (replace(HELLO, sampling=Sampling(min_p=0.1)), "`min_p`"),
    (replace(HELLO, sampling=Sampling(logit_bias={"1": 2})), "`logit_bias`"),
    (replace(HELLO, sampling=Sampling(seed=2**31)), "a `seed` of over 32 bits"),
    (replace(HELLO, sampling=Sampling(stop=tuple("abcdef"))), "more than 5 stop sequences"),
    (replace(HELLO, sampling=Sampling(n=2), stream=True), "`n` over 1 in a stream"),
    (
        replace(HELLO, tools=(WEATHER,), parallel_tool_calls=False),
        "`parallel_tool_calls`: false",
    ),
    (
        replace(HELLO, tools=(Opaque("messages", "web_search"),)),
        "`web_search` of the messages format",
    ),
    (replace(HELLO, tools=(Tool("1st"),)), "the tool name `1st`"),
    (user(Opaque("messages", "search_result")), "`search_result` of the messages format"),
    (user(File(file_id="file-1")), "a file by its provider's id"),
    (user(Image(data="cG5n")), "data without a media type"),
    (user(Image(url="http://example.com/cat.png")), "a file at 'http://example.com/cat.png'"),
    (user(Image(url="file:///etc/passwd")), "a file at 'file:///etc/passwd'"),
    (
        Conversation((Message("system", (Image("image/png", "cG5n"),)), *HELLO.messages)),
        "anything but text in a system message",
    ),
    (
        Conversation((Message("assistant", (ToolCall("a", "f", "[1"),)),)),
        "arguments of `f` that are no JSON object",
    ),
    (
        Conversation((Message("tool", (ToolResult("a", ()),)),)),
        "a tool result without its call",
    ),
]


@pytest.mark.parametrize(("conversation", "feature"), REFUSED)
def test_what_gemini_has_no_words_for_is_refused_or_dropped_by_name(
    conversation: Conversation, feature: str
) -> None:
    with pytest.raises(Inexpressible) as error:
        encoded(conversation)
    param = error.value.param

    assert error.value.feature == feature
    assert param is not None
    assert encoded(conversation, drop=frozenset({param}))[1] == (param,)


def test_older_models_take_less() -> None:
    picture = ToolResult("a", (Image("image/png", "cG5n"),))
    history = (Message("assistant", (ToolCall("a", "f", "{}"),)), Message("tool", (picture,)))
    both = replace(HELLO, tools=(WEATHER,), output=OutputFormat("json_object"))
    linked = user(Image(url="https://example.com/cat.png"))

    assert refused(Conversation(history), OLD) == "media in a tool result"
    assert refused(both, OLD) == "JSON output beside tools"
    assert refused(linked, "gemini-2.0-flash") == "a file at 'https://example.com/cat.png'"
    body_of(both, NEW)
    body_of(linked, OLD)
    body_of(user(File(url="gs://bucket/a.pdf")), "gemini-2.0-flash")


def test_googles_own_files_need_no_media_type() -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/abc123"

    body = body_of(user(File(url=uri)))

    assert body["contents"][0]["parts"] == [{"fileData": {"fileUri": uri}}]


def test_what_the_configuration_drops_is_left_out_and_named() -> None:
    asked = replace(
        HELLO,
        sampling=Sampling(
            temperature=1, min_p=0.1, stop=tuple("abcdef"), seed=1, max_tokens=9, n=3, logprobs=True
        ),
        tools=(WEATHER,),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=False,
        output=OutputFormat("json_object"),
        reasoning=Reasoning(effort="low"),
        foreign=("audio",),
        stream=True,
    )
    dropped = {
        "temperature",
        "min_p",
        "stop",
        "seed",
        "max_tokens",
        "n",
        "logprobs",
        "tools",
        "response_format",
        "reasoning_effort",
        "audio",
    }

    body, left_out = encoded(asked, drop=frozenset(dropped))

    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert set(left_out) == dropped


def test_hints_and_bookkeeping_are_left_out_and_named() -> None:
    parts = (
        Text("Hi", cache_control={"type": "ephemeral"}),
        Image("image/png", "cG5n", detail="high"),
        File(name="a.PDF", data="cGRm"),
    )
    asked = Conversation(
        (Message("user", parts, name="Ann"),),
        tools=(replace(WEATHER, cache_control={"type": "ephemeral"}),),
        user="u-1",
        advisory=("store", "metadata"),
    )

    body, left_out = encoded(asked)

    assert set(left_out) == {
        "store",
        "metadata",
        "user",
        "name",
        "cache_control",
        "detail",
        "filename",
    }
    inline = body["contents"][0]["parts"][2]["inlineData"]
    assert inline == {"mimeType": "application/pdf", "data": "cGRm"}


def test_configured_members_are_set_last_and_objects_are_merged() -> None:
    extra: dict[str, Any] = {
        "generationConfig": {"temperature": 0, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
        "safetySettings": [],
    }

    asked = replace(HELLO, sampling=Sampling(temperature=1, max_tokens=5))
    body, _ = encoded(asked, extra=extra)

    assert body["generationConfig"] == {
        "temperature": 0,
        "maxOutputTokens": 5,
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    }
    assert body["safetySettings"] == []
