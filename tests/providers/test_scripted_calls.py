"""The scripted provider told to think first, and to call several tools at once."""

import json

import pytest

from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Outbound, Usage

TWO = Script(tool_calls=[("get_weather", {"city": "Bern"}), ("read_clock", {})])
THINKING = Script(reasoning="Let me see. ", reply="It is four.")


async def ask(script, **members: Json):
    """A whole reply, and what the log says of it."""
    provider = ScriptedProvider("m", [script])
    body = {"model": "m", "messages": [{"role": "user", "content": "Well?"}], **members}
    reply = await provider.open(Outbound("chat", "m", json.dumps(body).encode()))
    answer = b"".join([chunk async for chunk in reply.chunks])
    assert reply.status == 200
    return answer, provider.log[0]


async def whole(script, **members: Json):
    answer, served = await ask(script, **members)
    return json.loads(answer), served


async def deltas(script, **members: Json):
    """The deltas of the first choice, the last one's reason, and what the log says."""
    answer, served = await ask(script, stream=True, **members)
    *events, done, rest = answer.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    choices = [json.loads(event.removeprefix(b"data: "))["choices"][0] for event in events]
    mine = [choice for choice in choices if choice["index"] == 0]
    return [choice["delta"] for choice in mine], mine[-1]["finish_reason"], served


async def test_several_tools_are_called_in_one_message():
    reply, served = await whole(TWO)

    (choice,) = reply["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    first, second = choice["message"]["tool_calls"]
    assert first == {
        "id": first["id"],
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Bern"}'},
    }
    assert second["function"] == {"name": "read_clock", "arguments": "{}"}
    assert first["id"] != second["id"]
    assert served.text == 'get_weather{"city":"Bern"}read_clock{}'


async def test_streamed_calls_come_one_after_the_other_under_their_index():
    (opening, *given, last), reason, served = await deltas(TWO)

    assert opening == {"role": "assistant", "content": None, "refusal": None}
    assert (last, reason) == ({}, "tool_calls")
    calls = [call for delta in given for call in delta["tool_calls"]]
    assert [call["index"] for call in calls] == [0, 0, 0, 1, 1]
    named = [call for call in calls if "id" in call]
    assert [call["function"] for call in named] == [
        {"name": "get_weather", "arguments": ""},
        {"name": "read_clock", "arguments": ""},
    ]
    assert [call.keys() for call in named] == [{"index", "id", "type", "function"}] * 2
    assert len({call["id"] for call in named}) == 2
    for index, arguments in enumerate(['{"city":"Bern"}', "{}"]):
        pieces = [each["function"]["arguments"] for each in calls if each["index"] == index]
        assert "".join(pieces) == arguments
    assert served.text == 'get_weather{"city":"Bern"}read_clock{}'


async def test_every_choice_makes_the_calls_under_ids_of_its_own():
    reply, _ = await whole(TWO, n=2)

    calls = [call for choice in reply["choices"] for call in choice["message"]["tool_calls"]]
    assert len({call["id"] for call in calls}) == 4


async def test_the_single_call_goes_before_the_others():
    script = Script(tool_call=("first", "{}"), tool_calls=[("second", {}), ("third", "{")])
    reply, _ = await whole(script)

    assert [call["function"] for call in reply["choices"][0]["message"]["tool_calls"]] == [
        {"name": "first", "arguments": "{}"},
        {"name": "second", "arguments": "{}"},
        {"name": "third", "arguments": "{"},
    ]


@pytest.mark.parametrize(
    ("limit", "arguments", "reason"),
    [
        (0, [], "length"),
        (4, ['{"ci'], "length"),
        (7, ['{"city":"Bern"}'], "length"),
        (10, ['{"city":"Bern"}', ""], "length"),
        (11, ['{"city":"Bern"}', "{}"], "tool_calls"),
    ],
)
async def test_a_limit_cuts_the_calls_where_it_is_reached(limit, arguments, reason):
    reply, _ = await whole(TWO, max_completion_tokens=limit)

    (choice,) = reply["choices"]
    calls = choice["message"].get("tool_calls", [])
    assert [call["function"]["arguments"] for call in calls] == arguments
    assert (choice["finish_reason"], reply["usage"]["completion_tokens"] <= limit) == (reason, True)


async def test_thoughts_come_before_the_text_and_are_counted():
    reply, served = await whole(THINKING)

    (choice,) = reply["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "It is four.",
        "refusal": None,
        "reasoning_content": "Let me see. ",
    }
    used = reply["usage"]
    assert used["completion_tokens_details"] == {
        "reasoning_tokens": estimate_tokens("Let me see. ")
    }
    assert used["completion_tokens"] == estimate_tokens("Let me see. It is four.")
    assert (served.text, served.tokens) == (
        "Let me see. It is four.",
        used["completion_tokens"],
    )


async def test_thoughts_are_streamed_first():
    given, reason, served = await deltas(THINKING)

    assert given == [
        {"role": "assistant", "content": "", "refusal": None},
        {"reasoning_content": "Let"},
        {"reasoning_content": " me"},
        {"reasoning_content": " see."},
        {"reasoning_content": " "},
        {"content": "It"},
        {"content": " is"},
        {"content": " four."},
        {},
    ]
    assert (reason, served.text) == ("stop", "Let me see. It is four.")


async def test_a_limit_may_end_in_the_midst_of_thought():
    reply, _ = await whole(THINKING, max_tokens=2)

    (choice,) = reply["choices"]
    assert choice["message"]["reasoning_content"] == "Let me s"
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")
    assert reply["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}


async def test_thoughts_go_before_calls_too_and_told_usage_wins():
    usage = Usage(input_tokens=1, output_tokens=90, reasoning_tokens=80)
    script = Script(reasoning="Hm.", tool_call=("f", {}), usage=usage)
    reply, served = await whole(script)

    message = reply["choices"][0]["message"]
    assert message["reasoning_content"] == "Hm."
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert reply["usage"]["completion_tokens_details"] == {"reasoning_tokens": 80}
    assert (served.text, served.tokens) == ("Hm.f{}", 90)


async def test_thoughts_have_no_logprobs():
    reply, _ = await whole(THINKING, logprobs=True)

    entries = reply["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == "It is four."
