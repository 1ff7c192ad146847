"""Legacy completions from the scripted provider: whole, streamed, and broken as told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import UpstreamBroken
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Outbound, Usage

PROMPT = "This is a test."
FOUR = Script(reply="one two three four")


async def send(script=None, **members: Json):
    """Status, body and what the log says."""
    provider = ScriptedProvider("m", [script or Script()])
    body = json.dumps({"model": "m", "prompt": PROMPT} | members).encode()
    reply = await provider.open(Outbound("completions", "m", body))
    answer = b"".join([chunk async for chunk in reply.chunks])
    return reply.status, answer, provider.log[0]


async def ask(script=None, **members: Json):
    status, answer, _ = await send(script, **members)
    assert status == 200
    return json.loads(answer)


async def stream(script=None, **members: Json):
    status, answer, _ = await send(script, **members | {"stream": True})
    *events, done, rest = answer.split(b"\n\n")
    assert (status, done, rest) == (200, b"data: [DONE]", b"")
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


async def texts(script=None, **members: Json):
    return [choice["text"] for choice in (await ask(script, **members))["choices"]]


async def test_a_whole_completion():
    reply = await ask(FOUR)

    assert reply == {
        "id": reply["id"],
        "object": "text_completion",
        "created": 1767225600,
        "model": "m",
        "system_fingerprint": "fp_scripted",
        "choices": [
            {"text": "one two three four", "index": 0, "logprobs": None, "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": estimate_tokens(PROMPT),
            "completion_tokens": 5,
            "total_tokens": estimate_tokens(PROMPT) + 5,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert reply["id"].startswith("cmpl-")


async def test_a_streamed_completion():
    *events, last = await stream(FOUR)
    *_, counted = await stream(FOUR, stream_options={"include_usage": True})

    assert [event["choices"][0]["text"] for event in events] == ["one", " two", " three", " four"]
    assert {event["object"] for event in events} == {"text_completion"}
    assert {event["choices"][0]["finish_reason"] for event in events} == {None}
    assert last["choices"] == [
        {"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"},
    ]
    assert (counted["choices"], counted["usage"]) == ([], (await ask(FOUR))["usage"])
    assert all("usage" not in event for event in events)


async def test_untold_it_goes_on_about_the_prompt():
    (text,) = await texts()
    several = await texts(prompt=["Alpha", "Beta"], n=2)

    assert f'"{PROMPT}"' in text
    assert ['"Alpha"' in each for each in several] == [True, True, False, False]
    assert len(set(several)) == 4


@pytest.mark.parametrize(
    ("prompt", "echoed", "tokens"),
    [
        ("Well?", ["Well?yes"], 2),
        (["One", "Two"], ["Oneyes", "Twoyes"], 2),
        ([1, 2, 3], ["1 2 3yes"], 3),
        ([[1, 2], [3]], ["1 2yes", "3yes"], 3),
        ("", ["yes"], 0),
        (None, ["yes"], 0),
    ],
)
async def test_prompts_of_every_kind(prompt, echoed, tokens):
    reply = await ask(Script(reply="yes"), prompt=prompt, echo=True)

    assert [choice["text"] for choice in reply["choices"]] == echoed
    assert [choice["index"] for choice in reply["choices"]] == [*range(len(echoed))]
    assert reply["usage"]["prompt_tokens"] == tokens


@pytest.mark.parametrize(
    ("members", "text", "reason"),
    [
        ({}, "one two three four", "stop"),
        ({"stop": " three"}, "one two", "stop"),
        ({"stop": ["four", "two", ""]}, "one ", "stop"),
        ({"max_tokens": 2}, "one two ", "length"),
        ({"max_tokens": 0}, "", "length"),
        ({"max_tokens": 0, "echo": True}, PROMPT, "length"),
        ({"suffix": "the end", "best_of": 3}, "one two three four", "stop"),
    ],
)
async def test_stops_and_limits_cut_the_text(members, text, reason):
    (choice,) = (await ask(FOUR, **members))["choices"]

    assert (choice["text"], choice["finish_reason"]) == (text, reason)


async def test_a_suffix_is_paid_for():
    used = (await ask(FOUR, suffix="the end."))["usage"]

    assert used["prompt_tokens"] == estimate_tokens(PROMPT) + 2


async def test_logprobs_in_the_old_shape():
    (choice,) = (await ask(Script(reply="one two"), logprobs=2))["choices"]
    (bare,) = (await ask(Script(reply="one two"), logprobs=0, echo=True, prompt="A b"))["choices"]

    told = choice["logprobs"]
    assert told["tokens"] == ["one", " two"]
    assert told["text_offset"] == [len(PROMPT), len(PROMPT) + 3]
    assert [len(top) for top in told["top_logprobs"]] == [3, 3]
    for token, logprob, top in zip(
        told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True
    ):
        assert top[token] == logprob == max(top.values()) <= 0
    assert bare["logprobs"] == {
        "tokens": ["A", " b", "one", " two"],
        "token_logprobs": bare["logprobs"]["token_logprobs"],
        "top_logprobs": None,
        "text_offset": [0, 1, 3, 6],
    }


EVERYTHING = {
    "best_of": 0,
    "echo": True,
    "frequency_penalty": -2,
    "logit_bias": {"foo": 0},
    "logprobs": 0,
    "max_tokens": 16,
    "n": 1,
    "presence_penalty": -2,
    "seed": 0,
    "stop": "\n",
    "stream": False,
    "stream_options": {"include_obfuscation": True, "include_usage": True},
    "suffix": "test.",
    "temperature": 1,
    "top_p": 1,
    "user": "user-1234",
}


async def test_all_that_openai_takes_is_taken():
    assert (await ask(**EVERYTHING))["choices"][0]["finish_reason"] == "length"
    assert (await stream(**EVERYTHING))[-1]["usage"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [1, [2]]}, "prompt"),
        ({"prompt": ["a"] * 2049}, "prompt"),
        ({"prompt": 1}, "prompt"),
        ({"prompt": ["a"] * 2000, "n": 2}, "n"),
        ({"logprobs": 6}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": 1}, "stop"),
        ({"n": 0}, "n"),
        ({"model": None}, "model"),
    ],
)
async def test_a_bad_request_is_refused_and_names_the_member(members, param):
    status, body, _ = await send(**members)

    assert (status, json.loads(body)["error"]["param"]) == (400, param)


async def test_a_script_is_obeyed():
    usage = Usage(input_tokens=9, output_tokens=7)
    status, body, served = await send(Script(status=429))
    bare = await ask(Script(no_usage=True))
    claimed = await ask(Script(usage=usage))
    pieces = await stream(Script(chunks=3))
    _, endless, _ = await send(Script(no_done=True), stream=True)

    assert (status, served.status) == (429, 429)
    assert json.loads(body)["error"]["code"] == "rate_limit_exceeded"
    assert "usage" not in bare
    assert (claimed["usage"]["prompt_tokens"], claimed["usage"]["completion_tokens"]) == (9, 7)
    assert len(pieces) == 3 + 1
    assert b"[DONE]" not in endless


async def test_the_log_knows_what_went_out_before_the_cut_and_prompts_are_not_given():
    _, whole, served = await send(FOUR, stream=True, echo=True)
    assert served.text == "one two three four"
    seen = set()
    for size in range(0, len(whole), 7):
        script = Script(reply="one two three four", cut_at_byte=size)
        provider = ScriptedProvider("m", [script])
        body = json.dumps({"model": "m", "prompt": PROMPT, "stream": True, "echo": True}).encode()
        reply = await provider.open(Outbound("completions", "m", body))
        got = bytearray()
        with pytest.raises(UpstreamBroken):
            await pour(reply.chunks, got)
        assert got == whole[:size]
        seen.add(provider.log[0].text)

    assert seen == {"", "one", "one two", "one two three", "one two three four"}


async def pour(chunks, into):
    async for chunk in chunks:
        into += chunk


TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@given(
    st.fixed_dictionaries(
        {"prompt": TEXT | st.lists(TEXT, min_size=1, max_size=3)},
        optional={
            "n": st.integers(1, 3),
            "echo": st.booleans(),
            "max_tokens": st.integers(0, 20),
            "logprobs": st.integers(0, 5),
            "stop": st.text("aeio .", max_size=3),
        },
    ),
    st.builds(Script, reply=st.none() | TEXT, chunks=st.none() | st.integers(1, 9)),
)
async def test_a_stream_put_together_is_the_whole_completion(members, script):
    whole = await ask(script, **members)
    *events, last = await stream(script, **members, stream_options={"include_usage": True})

    for choice in whole["choices"]:
        mine = [c for event in events for c in event["choices"] if c["index"] == choice["index"]]
        assert "".join(each["text"] for each in mine) == choice["text"]
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
        if told := choice["logprobs"]:
            parts = [each["logprobs"] for each in mine if each["logprobs"]]
            for name in ("tokens", "token_logprobs", "text_offset"):
                assert [one for part in parts for one in part[name]] == told[name]
    assert last["usage"] == whole["usage"]
