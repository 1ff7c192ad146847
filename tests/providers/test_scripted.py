"""The scripted provider untold: any valid chat request gets a plausible, well-formed reply."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.ports import Provider
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Outbound, Usage

QUESTION = "What is the capital of France?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "read_clock"}}


def user(text=QUESTION):
    return {"role": "user", "content": text}


async def send(provider=None, **members: Json):
    """Send a request; give back status, headers and body."""
    members = {"model": "auto", "messages": [user()]} | members
    sent = Outbound("chat", "m", json.dumps(members).encode())
    reply = await (provider or ScriptedProvider("m")).open(sent)
    return reply.status, reply.headers, b"".join([chunk async for chunk in reply.chunks])


async def ask(provider=None, **members: Json):
    status, headers, body = await send(provider, **members)
    assert (status, headers["content-type"]) == (200, "application/json")
    return json.loads(body)


async def said(provider=None, **members: Json):
    """The text of the first choice."""
    return (await ask(provider, **members))["choices"][0]["message"]["content"]


async def stream(provider=None, **members: Json):
    """The decoded events of a stream, which must end as it should."""
    status, headers, body = await send(provider, stream=True, **members)
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    *events, done, rest = body.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


async def test_a_whole_reply_has_every_member_openai_requires():
    reply = await ask()

    (choice,) = reply.pop("choices")
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": choice["message"]["content"], "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    text = choice["message"]["content"]
    assert QUESTION in text
    assert "scripted" in text
    assert reply == {
        "id": reply["id"],
        "object": "chat.completion",
        "created": 1767225600,
        "model": "m",
        "system_fingerprint": "fp_scripted",
        "usage": {
            "prompt_tokens": estimate_tokens(QUESTION),
            "completion_tokens": estimate_tokens(text),
            "total_tokens": estimate_tokens(QUESTION) + estimate_tokens(text),
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert reply["id"].startswith("chatcmpl-")


async def test_a_stream_opens_with_the_role_and_ends_with_the_reason():
    first, *contents, last = await stream(ScriptedProvider("m", script=Script(reply="Hi there!")))

    assert first == {
        "id": first["id"],
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": "m",
        "system_fingerprint": "fp_scripted",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": "", "refusal": None},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }
    assert [event["choices"][0]["delta"] for event in contents] == [
        {"content": "Hi"},
        {"content": " there!"},
    ]
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")


async def test_usage_comes_in_a_stream_only_where_it_was_asked_for():
    plain = await stream()
    *chunks, last = await stream(stream_options={"include_usage": True})

    assert all("usage" not in event for event in plain)
    assert all(event["usage"] is None for event in chunks)
    assert last["choices"] == []
    assert last["usage"] == (await ask())["usage"]


async def test_the_same_request_gives_the_same_bytes_and_another_gives_another_id():
    once, again, other = await send(), await send(), await send(seed=7)

    assert once == again
    assert json.loads(once[2])["id"] != json.loads(other[2])["id"]


async def test_the_clock_dates_the_reply():
    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 3, 1, 12, tzinfo=UTC)

        def monotonic(self) -> float:
            return 0.0

    assert (await ask(ScriptedProvider("m", clock=Noon())))["created"] == 1772366400


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("Write a Python function that adds", "```python\ndef sketch_write_a_python_function()"),
        ("Translate this to French: good day", "A translation would stand here"),
        ("Hello!", "Hello! This is a scripted reply"),
        ("Is it far?", 'You asked "Is it far?"'),
        ("Tell me of the sea", 'I have read "Tell me of the sea".'),
        ("", 'I have read "nothing".'),
        ("Why " * 50 + "?", "Why Why Why Why Why Why Why Why ..."),
    ],
)
async def test_the_answer_suits_the_question(question, answered):
    text = await said(messages=[{"role": "developer", "content": "Be kind."}, user(question)])

    assert answered in text
    assert "scripted" in text or "without a model" in text


async def test_images_are_seen():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    content = [{"type": "text", "text": "What is this?"}, image, image]

    assert "It came with 2 images." in await said(messages=[user(content)])


async def test_choices_differ_and_take_turns():
    whole = await ask(n=3)
    events = await stream(n=3)

    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert whole["usage"]["completion_tokens"] == sum(map(estimate_tokens, texts))
    assert [event["choices"][0]["index"] for event in events[:6]] == [0, 1, 2, 0, 1, 2]
    assert [event["choices"][0]["finish_reason"] for event in events[-3:]] == ["stop"] * 3


@pytest.mark.parametrize(
    ("members", "text", "reason"),
    [
        ({}, "one two three", "stop"),
        ({"stop": " three"}, "one two", "stop"),
        ({"stop": ["three", "two", ""]}, "one ", "stop"),
        ({"max_tokens": 2}, "one two ", "length"),
        ({"max_completion_tokens": 1, "max_tokens": 3}, "one ", "length"),
        ({"max_tokens": 4}, "one two three", "stop"),
        ({"max_tokens": 0}, "", "length"),
        ({"max_completion_tokens": 0, "max_tokens": 3}, "", "length"),
        ({"max_tokens": 2, "stop": " two"}, "one", "stop"),
    ],
)
async def test_stops_and_limits_cut_the_text(members, text, reason):
    (choice,) = (await ask(ScriptedProvider("m", [Script(reply="one two three")]), **members))[
        "choices"
    ]

    assert (choice["message"]["content"], choice["finish_reason"]) == (text, reason)


async def test_logprobs_are_one_entry_a_piece():
    (choice,) = (await ask(logprobs=True, top_logprobs=3))["choices"]
    events = await stream(logprobs=True, top_logprobs=3)

    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    for entry in entries:
        best, *others = entry["top_logprobs"]
        assert entry == {**best, "top_logprobs": [best, *others]}
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert 0 >= best["logprob"] > others[0]["logprob"] > others[1]["logprob"]
    streamed = [event["choices"][0]["logprobs"] for event in events]
    assert [one for part in streamed if part for one in part["content"]] == entries


async def test_a_tool_is_called_where_one_is_offered():
    (choice,) = (await ask(tools=[CLOCK, WEATHER], messages=[user("How is the weather?")]))[
        "choices"
    ]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call == {
        "id": call["id"],
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"city","unit":"celsius"}'},
    }


async def test_a_streamed_tool_call_names_itself_once_and_its_arguments_in_fragments():
    first, opening, *fragments, last = await stream(tools=[WEATHER])

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": None}
    (call,) = opening["choices"][0]["delta"]["tool_calls"]
    assert call == {
        "index": 0,
        "id": call["id"],
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    pieces = [event["choices"][0]["delta"]["tool_calls"][0] for event in fragments]
    assert all(piece.keys() == {"index", "function"} for piece in pieces)
    arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    assert json.loads(arguments) == {"city": "city", "unit": "celsius"}
    assert len(pieces) > 1
    assert last["choices"][0]["finish_reason"] == "tool_calls"


NAMED = {"type": "function", "function": {"name": "read_clock"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [CLOCK]}}
RESULT = [
    user("How is the weather?"),
    {
        "role": "assistant",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather"}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"},
]


@pytest.mark.parametrize(
    ("members", "called"),
    [
        ({}, "get_weather"),
        ({"tool_choice": "auto"}, "get_weather"),
        ({"tool_choice": "none"}, None),
        ({"tool_choice": NAMED}, "read_clock"),
        ({"tool_choice": ALLOWED}, "read_clock"),
        ({"messages": RESULT}, None),
        ({"messages": RESULT, "tool_choice": "required"}, "get_weather"),
        ({"tools": [{"type": "custom", "custom": {"name": "shell"}}]}, None),
    ],
)
async def test_tool_choice_is_respected(members, called):
    (choice,) = (await ask(**({"tools": [WEATHER, CLOCK]} | members)))["choices"]

    calls = choice["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == ([called] if called else [])


async def test_after_a_tool_result_the_answer_mentions_it():
    text = await said(tools=[WEATHER], messages=RESULT)

    assert text == "The tool get_weather returned: 18 degrees. This reply is scripted."


async def test_json_replies():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema}}

    assert json.loads(await said(response_format=form)) == {"n": 1}
    assert QUESTION in json.loads(await said(response_format={"type": "json_object"}))["reply"]
    assert QUESTION in await said(response_format={"type": "text"})


MEMBERS = st.fixed_dictionaries(
    {"messages": st.text(st.characters(codec="utf-8")).map(lambda text: [user(text)])},
    optional={
        "n": st.integers(1, 3),
        "stop": st.lists(st.text("aeio .", max_size=3), max_size=4),
        "max_tokens": st.integers(0, 40),
        "logprobs": st.booleans(),
        "tools": st.just([WEATHER, CLOCK]),
        "response_format": st.just({"type": "json_object"}),
    },
)
SCRIPTS = st.builds(
    Script,
    reply=st.none() | st.text(st.characters(codec="utf-8")),
    chunks=st.none() | st.integers(1, 9),
    usage=st.none() | st.just(Usage(input_tokens=3, output_tokens=5, cached_tokens=2)),
)


@given(MEMBERS, SCRIPTS)
async def test_a_stream_put_together_is_the_whole_reply(members, script):
    provider = ScriptedProvider("m", script=script)
    whole = await ask(provider, **members)
    *events, last = await stream(provider, **members, stream_options={"include_usage": True})

    for choice in whole["choices"]:
        mine = [c for event in events for c in event["choices"] if c["index"] == choice["index"]]
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
        deltas = [each["delta"] for each in mine]
        calls = [call["function"] for d in deltas for call in d.get("tool_calls", [])]
        if calls:
            (call,) = choice["message"]["tool_calls"]
            assert calls[0]["name"] == call["function"]["name"]
            assert "".join(c["arguments"] for c in calls) == call["function"]["arguments"]
        else:
            text = "".join(delta.get("content") or "" for delta in deltas)
            assert text == choice["message"]["content"]
    assert last["usage"] == whole["usage"]
    first, second = provider.log
    assert (first.text, first.tokens) == (second.text, second.tokens)
    assert first.tokens == whole["usage"]["completion_tokens"]


async def test_it_is_a_provider():
    provider: Provider = ScriptedProvider("m")

    await provider.start()
    assert provider.state == "up"
    assert (await provider.probe()).state == "up"
    await provider.close()
