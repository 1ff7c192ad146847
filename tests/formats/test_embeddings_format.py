"""Embeddings: what is refused, what passes, and vectors in the form that was asked for."""

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Addressee
from pointsman.errors import BadRequest, Inexpressible, UpstreamBroken
from pointsman.formats.embeddings import (
    EmbeddingsClient,
    EmbeddingsUpstream,
    as_base64,
    as_floats,
    encoding,
    in_encoding,
    look,
    parse,
)
from pointsman.types import Turn, Usage


def body(**members: object) -> bytes:
    return json.dumps({"model": "auto", "input": "hello", **members}).encode()


def reply(*vectors: object, **members: object) -> bytes:
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    return json.dumps({"object": "list", "data": data, "model": "e5", **members}).encode()


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b"[]", None),
        (b'{"input": "x"}', "model"),
        (body(input=None), "input"),
        (body(input=""), "input"),
        (body(input=[]), "input"),
        (body(input=["a", ""]), "input"),
        (body(input=["a", 1]), "input"),
        (body(input=[1.5]), "input"),
        (body(input=[True]), "input"),
        (body(input=[[]]), "input"),
        (body(input=[[1], 2]), "input"),
        (body(dimensions=0), "dimensions"),
        (body(encoding_format="hex"), "encoding_format"),
    ],
)
def test_a_bad_request_names_the_member_at_fault(sent: bytes, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(sent)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("wanted", "texts", "tokens"),
    [
        ("hello", ("hello",), 2),
        (["hello", "you"], ("hello", "you"), 3),
        ([15339, 499], (), 2),
        ([[15339], [499, 7]], (), 3),
    ],
)
def test_every_kind_of_input_is_taken(wanted: object, texts: tuple[str, ...], tokens: int) -> None:
    request = EmbeddingsClient().parse(body(input=wanted, dimensions=1))

    assert request.turns == tuple(Turn("user", text) for text in texts)
    assert request.input_tokens == tokens
    assert (request.format, request.task) == ("embeddings", "embeddings")


def test_the_upstream_gets_the_clients_own_bytes() -> None:
    sent = b'{"input": ["h\\u00e9"],  "model":"auto", "encoding_format":"base64", "user": "u"}'
    request = parse(sent)

    passed_on = EmbeddingsUpstream().pass_through(request, Addressee("e5"))

    assert passed_on.body == (
        b'{"input":["h\\u00e9"],"model":"e5","encoding_format":"base64","user":"u"}'
    )
    assert encoding(request) == "base64"
    assert encoding(parse(body())) == "float"


def test_usage_is_read_or_counted() -> None:
    stated = reply([0.5], usage={"prompt_tokens": 3, "total_tokens": 3})

    assert look(stated, 9).usage == Usage(3)
    assert look(stated, 9).model == "e5"
    assert look(reply([0.5]), 9).usage == Usage(9, estimated=True)


@pytest.mark.parametrize(
    "answered",
    [b"", b"<html>", b'{"error": {"message": "no"}}', b'{"data": [{}]}', b'{"data": 1}'],
)
def test_a_success_status_is_no_proof_of_vectors(answered: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        look(answered, 1)


def test_base64_is_what_official_clients_decode() -> None:
    vectors = [[0.5, -1.0, 3.25], [1, 2, 3]]
    packed = json.loads(as_base64(reply(*vectors)))

    decoded = [
        list(struct.unpack("<3f", base64.b64decode(each["embedding"]))) for each in packed["data"]
    ]
    assert decoded == vectors
    assert packed["object"] == "list"
    assert packed["data"][1]["index"] == 1


def test_floats_are_floats_even_where_they_are_whole() -> None:
    packed = base64.b64encode(struct.pack("<2f", 1.0, 0.0)).decode()

    assert b'"embedding":[1.0,0.0]' in as_floats(reply(packed))


def test_what_has_the_form_already_stays_as_it_came() -> None:
    floats = b'{"data": [ {"embedding": [1e0, 2]} ],  "usage":null}'
    packed = as_base64(floats)

    assert in_encoding(floats, "float") == floats
    assert in_encoding(packed, "base64") == packed


@pytest.mark.parametrize("vector", ["###", "AAA=", ["x"], [1e300]])
def test_what_is_no_vector_is_the_upstreams_fault(vector: object) -> None:
    with pytest.raises(UpstreamBroken):
        (as_floats if isinstance(vector, str) else as_base64)(reply(vector))


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1)))
def test_vectors_survive_both_ways(vectors: list[list[float]]) -> None:
    there = as_base64(reply(*vectors))
    back = json.loads(as_floats(there))

    assert [entry["embedding"] for entry in back["data"]] == vectors


def test_nothing_is_translated() -> None:
    client, upstream = EmbeddingsClient(), EmbeddingsUpstream()

    with pytest.raises(Inexpressible):
        client.conversation(client.parse(body()))
    with pytest.raises(UpstreamBroken):
        upstream.read(reply([1.0]), 1)
