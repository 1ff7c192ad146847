"""The scripted provider told: every option of a script, and the truth log."""

import asyncio
import json

import pytest

from pointsman.errors import ConfigError, UpstreamBroken, UpstreamUnreachable
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.types import Outbound, Usage

QUESTION = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Well?"}]}).encode()
STREAMED = QUESTION[:-1] + b', "stream": true, "stream_options": {"include_usage": true}}'
FOUR = Script(reply="one two three four")
#: The role, four words, the reason, the usage and [DONE].
EVENTS = 8


def ask(provider, body=QUESTION):
    return provider.open(Outbound("chat", "m", body))


async def read(provider, body=QUESTION):
    reply = await ask(provider, body)
    return reply, [chunk async for chunk in reply.chunks]


async def pour(chunks, into):
    async for chunk in chunks:
        into += chunk


async def test_scripts_are_used_once_each_then_the_standing_one_then_none():
    provider = ScriptedProvider("m", [Script(reply="first")])
    standing = ScriptedProvider("m", script=Script(reply="always"))
    provider.tell(Script(reply="second"), Script(status=503))
    for told in (provider, provider, provider, provider, standing, standing):
        await read(told)

    assert [served.text for served in provider.log[:2]] == ["first", "second"]
    assert [served.status for served in provider.log] == [200, 200, 503, 200]
    assert "scripted" in provider.log[3].text
    assert [served.text for served in standing.log] == ["always", "always"]


async def test_the_log_keeps_as_many_as_told():
    provider = ScriptedProvider("m", [Script(reply=word) for word in "abc"], keep=2)
    for _ in range(3):
        await read(provider)

    assert [served.text for served in provider.log] == ["b", "c"]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [({"city": "Bern"}, '{"city":"Bern"}'), ('{"city": ', '{"city": '), ("", "")],
)
async def test_a_tool_call_is_made_as_told_even_a_broken_one(arguments, sent):
    provider = ScriptedProvider("m", script=Script(tool_call=("get_weather", arguments)))
    _, (body,) = await read(provider)
    _, events = await read(provider, STREAMED)

    (call,) = json.loads(body)["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": sent}
    assert events[-1] == b"data: [DONE]\n\n"
    assert [served.text for served in provider.log] == ["get_weather" + sent] * 2


@pytest.mark.parametrize(
    ("script", "type_", "code"),
    [
        (Script(status=400), "invalid_request_error", None),
        (Script(status=401), "invalid_request_error", "invalid_api_key"),
        (Script(status=404), "invalid_request_error", "model_not_found"),
        (Script(status=429), "requests", "rate_limit_exceeded"),
        (Script(status=500), "server_error", None),
        (
            Script(status=529, error_type="overloaded_error", error_code="x"),
            "overloaded_error",
            "x",
        ),
    ],
)
async def test_an_error_status_comes_in_openais_shape(script, type_, code):
    reply, (body,) = await read(ScriptedProvider("m", [script]), STREAMED)

    error = json.loads(body)["error"]
    assert reply.status == script.status
    assert reply.headers["content-length"] == str(len(body))
    assert error == {"message": error["message"], "type": type_, "param": None, "code": code}


@pytest.mark.parametrize("value", ["3", "0", "-1", "inf", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
async def test_retry_after_is_sent_as_it_is_and_told_headers_win(value):
    script = Script(status=429, retry_after=value, headers={"x-request-id": "mine", "via": "a"})
    reply, _ = await read(ScriptedProvider("m", [script]))

    told = {name: reply.headers[name] for name in ("retry-after", "x-request-id", "via")}
    assert told == {"retry-after": value, "x-request-id": "mine", "via": "a"}


async def test_a_body_is_sent_as_it_is():
    page = Script(body=b"<html>Sign in", content_type="text/html", chunks=3)
    reply, chunks = await read(ScriptedProvider("m", [page]), STREAMED)
    empty, nothing = await read(ScriptedProvider("m", [Script(status=502, body=b"")]))

    assert (reply.status, reply.headers["content-type"]) == (200, "text/html")
    assert chunks == [b"<html", b">Sign", b" in"]
    assert (empty.status, empty.headers["content-length"], nothing) == (502, "0", [])


async def test_delays_are_slept_where_told():
    slept = []

    async def sleep(seconds) -> None:
        slept.append((seconds, provider.log[0].chunks))

    script = Script(reply="one two", first_byte_delay_s=5, chunk_delay_s=0.5)
    provider = ScriptedProvider("m", [script], sleep=sleep)
    await read(provider, STREAMED)

    assert slept == [(5, 0), (0.5, 1), (0.5, 2), (0.5, 3), (0.5, 4), (0.5, 5)]


async def test_who_leaves_before_the_status_line_is_seen():
    waiting = asyncio.Event()

    async def sleep(_) -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    provider = ScriptedProvider("m", [Script(first_byte_delay_s=5)], sleep=sleep)
    asking = asyncio.create_task(ask(provider))
    await waiting.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert [(s.status, s.outcome, s.tokens) for s in provider.log] == [(None, "closed", 0)]


@pytest.mark.parametrize("stall", range(EVENTS + 1))
async def test_it_stalls_after_that_many_chunks(stall):
    script = Script(reply="one two three four", stall_after_chunks=stall)
    provider = ScriptedProvider("m", [script])
    reply = await ask(provider, STREAMED)
    got = [await anext(reply.chunks) for _ in range(stall)]
    hanging = asyncio.ensure_future(anext(reply.chunks))
    await asyncio.sleep(0)
    assert not hanging.done()
    assert provider.log[0].outcome == "stalled"
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging

    assert got == (await read(ScriptedProvider("m", [FOUR]), STREAMED))[1][:stall]
    assert (provider.log[0].outcome, provider.log[0].chunks) == ("stalled", stall)


async def test_past_the_last_chunk_it_never_stalls():
    provider = ScriptedProvider("m", [Script(reply="x", stall_after_chunks=99)])
    await read(provider, STREAMED)

    assert provider.log[0].outcome == "completed"


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
async def test_it_breaks_off_after_any_byte(body):
    whole = b"".join((await read(ScriptedProvider("m", [FOUR]), body))[1])
    for size in range(len(whole) + 1):
        provider = ScriptedProvider("m", [Script(reply="one two three four", cut_at_byte=size)])
        reply = await ask(provider, body)
        got = bytearray()
        with pytest.raises(UpstreamBroken):
            await pour(reply.chunks, got)
        (served,) = provider.log
        assert (got, served.outcome) == (whole[:size], "cut")
        assert "one two three four".startswith(served.text)

    provider = ScriptedProvider("m", [Script(reply="x", cut_at_byte=10**6)])
    await read(provider, body)
    assert provider.log[0].outcome == "completed"


@pytest.mark.parametrize("taken", range(EVENTS + 1))
async def test_the_log_knows_what_was_given_when_the_reader_leaves(taken):
    provider = ScriptedProvider("m", [FOUR])
    reply = await ask(provider, STREAMED)
    assert provider.log[0].outcome == "open"
    got = [await anext(reply.chunks) for _ in range(taken)]
    await reply.chunks.aclose()

    (served,) = provider.log
    text = "".join(
        choice["delta"].get("content", "")
        for event in got
        if event != b"data: [DONE]\n\n"
        for choice in json.loads(event.removeprefix(b"data: "))["choices"]
    )
    assert (served.request, served.model, served.status) == (STREAMED, "m", 200)
    assert (served.text, served.chunks) == (text, taken)
    assert served.tokens == -(-len(text) // 4)
    assert served.outcome == ("completed" if taken == EVENTS else "closed")


async def test_a_stream_may_lack_its_end_and_its_usage():
    _, events = await read(ScriptedProvider("m", [Script(no_done=True, no_usage=True)]), STREAMED)
    _, (body,) = await read(ScriptedProvider("m", [Script(no_usage=True)]))

    assert json.loads(events[-1].removeprefix(b"data: "))["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in json.loads(body)


async def test_usage_is_what_the_script_claims():
    usage = Usage(input_tokens=900, output_tokens=70, cached_tokens=800, reasoning_tokens=60)
    provider = ScriptedProvider("m", script=Script(usage=usage))
    _, (body,) = await read(provider)

    assert json.loads(body)["usage"] == {
        "prompt_tokens": 900,
        "completion_tokens": 70,
        "total_tokens": 970,
        "prompt_tokens_details": {"cached_tokens": 800},
        "completion_tokens_details": {"reasoning_tokens": 60},
    }
    assert provider.log[0].tokens == 70


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (Script(chunks=50), 50),
        (Script(chunks=3, reply="one two three four"), 3),
        (Script(chunks=9, reply="four"), 4),
        (Script(chunks=9, reply=""), 0),
    ],
)
async def test_the_number_of_content_chunks_is_as_told(script, count):
    provider = ScriptedProvider("m", script=script)
    _, events = await read(provider, STREAMED)
    await read(provider)

    assert len(events) == count + 4
    assert provider.log[0].text == provider.log[1].text


async def test_unreachable():
    provider = ScriptedProvider("m", [Script(unreachable=True)])
    with pytest.raises(UpstreamUnreachable):
        await ask(provider)

    assert [(s.status, s.outcome) for s in provider.log] == [(None, "unreachable")]
    assert provider.state == "up"
    assert ScriptedProvider("m", script=Script(unreachable=True)).state == "down"


async def test_a_script_comes_from_configuration():
    assert Script.from_mapping({}) == Script()
    assert Script.from_mapping(
        {
            "reply": "x",
            "reasoning": "hm",
            "tool_call": {"name": "f", "arguments": {"a": [1]}},
            "tool_calls": [{"name": "g"}, ["h", "{"]],
            "status": 429,
            "retry_after": "3",
            "headers": {"via": "a"},
            "body": "é",
            "chunk_delay_s": 1,
            "cut_at_byte": 0,
            "no_done": True,
            "usage": {"input_tokens": 4},
        }
    ) == Script(
        reply="x",
        reasoning="hm",
        tool_call=("f", {"a": [1]}),
        tool_calls=[("g", {}), ("h", "{")],
        status=429,
        retry_after="3",
        headers={"via": "a"},
        body="é".encode(),
        chunk_delay_s=1,
        cut_at_byte=0,
        no_done=True,
        usage=Usage(input_tokens=4),
    )


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"replly": "x"}, "script: unknown key 'replly'; known are body, chunk_delay_s"),
        ({"usage": {"tokens": 1}}, "script.usage: unknown key 'tokens'"),
        ({"tool_call": {"id": 1}}, "script.tool_call: unknown key 'id'"),
        ({"tool_call": {"name": 1}}, "script.tool_call"),
        ({"tool_calls": [["f", {}], {"id": 1}]}, "script.tool_calls[1]: unknown key 'id'"),
        ({"tool_calls": "f"}, "script.tool_calls: Expected `array`, got `str`"),
        ({"status": "500"}, "script.status: Expected `int`, got `str`"),
        ({"status": 42}, "script.status: Expected `int` >= 200"),
        ({"chunks": 0}, "script.chunks: Expected `int` >= 1"),
        ({"chunk_delay_s": -1}, "script.chunk_delay_s: Expected `float` >= 0.0"),
        ({"stall_after_chunks": True}, "script.stall_after_chunks"),
        ({"headers": {"a": 1}}, "script.headers"),
    ],
)
def test_a_wrong_key_is_named(mapping, message):
    with pytest.raises(ConfigError) as caught:
        Script.from_mapping(mapping)

    assert str(caught.value).startswith(message)
