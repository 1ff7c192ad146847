"""Embeddings from the scripted provider: unit vectors, the closer the more words are shared."""

import base64
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Outbound, Usage

FOX = "The quick brown fox jumped over the lazy dog"


async def send(script=None, **members: Json):
    body = json.dumps({"model": "m", "input": FOX} | members).encode()
    provider = ScriptedProvider("m", [script or Script()])
    reply = await provider.open(Outbound("embeddings", "m", body))
    return reply.status, json.loads(b"".join([chunk async for chunk in reply.chunks]))


async def vectors(*texts: str, **members: Json):
    status, reply = await send(input=[*texts], **members)
    assert status == 200
    return [each["embedding"] for each in reply["data"]]


def likeness(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_the_shape_is_openais():
    status, reply = await send()

    (entry,) = reply["data"]
    assert status == 200
    assert reply == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": entry["embedding"]}],
        "model": "m",
        "usage": {
            "prompt_tokens": estimate_tokens(FOX),
            "total_tokens": estimate_tokens(FOX),
        },
    }
    assert len(entry["embedding"]) == 64


WORDS = st.lists(st.sampled_from(["sun", "moon", "star", "sea", "wind", "rain"]), min_size=1)


@given(WORDS, st.sampled_from(["quartz", "42", "Füße", "猫"]), st.integers(1, 200))
async def test_vectors_have_length_one_and_share_what_the_texts_share(words, more, dimensions):
    text = " ".join(words)
    one, again, longer = await vectors(text, text, f"{text}, {more}!", dimensions=dimensions)

    assert one == again
    assert len(one) == dimensions
    assert math.isclose(math.hypot(*one), 1, rel_tol=1e-6)
    assert all(isinstance(number, float) for number in one)
    assert likeness(one, longer) > 0.5


async def test_who_shares_more_words_is_closer():
    query, near, far, same = await vectors(
        "What is the capital of France?",
        "Tell me the capital of France",
        "Tell me how to sort a list",
        "what is the CAPITAL of france",
    )

    assert likeness(query, near) > 0.6
    assert likeness(query, far) < 0.3
    assert same == query


async def test_base64_says_the_same():
    (floats,) = await vectors(FOX, dimensions=7)
    (packed,) = await vectors(FOX, dimensions=7, encoding_format="base64")

    assert [*struct.unpack("<7f", base64.b64decode(packed))] == floats


async def test_one_dimension():
    body = json.dumps({"model": "m", "input": FOX, "dimensions": 1, "encoding_format": "float"})
    reply = await ScriptedProvider("m").open(Outbound("embeddings", "m", body.encode()))

    assert b'"embedding":[1.0]' in b"".join([chunk async for chunk in reply.chunks])


@pytest.mark.parametrize(("tokens", "count"), [([1, 2, 3], 1), ([[1, 2], [1, 2], [9]], 3)])
async def test_tokens_stand_for_themselves(tokens, count):
    _, reply = await send(input=tokens)

    embedded = [each["embedding"] for each in reply["data"]]
    assert len(embedded) == count
    assert embedded[0] == embedded[-2 % count]
    assert reply["usage"]["prompt_tokens"] == (3 if count == 1 else 5)


async def test_texts_without_words_are_told_apart():
    bang, question = await vectors("!", "?")

    assert bang != question


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": []}, "input"),
        ({"input": [[1], "a"]}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 3073}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"model": 1}, "model"),
    ],
)
async def test_a_bad_request_is_refused_and_names_the_member(members, param):
    status, reply = await send(**members)

    assert (status, reply["error"]["param"]) == (400, param)


async def test_a_script_is_obeyed():
    failed, error = await send(Script(status=503))
    _, bare = await send(Script(no_usage=True))
    _, claimed = await send(Script(usage=Usage(input_tokens=7)))

    assert (failed, error["error"]["type"]) == (503, "server_error")
    assert "usage" not in bare
    assert claimed["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
