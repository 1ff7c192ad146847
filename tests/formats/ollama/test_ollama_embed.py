"""Embeddings between Ollama's words and OpenAI's."""

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import BadRequest, UpstreamBroken
from pointsman.formats.ollama.embed import embed_reply, embed_request


def test_a_clients_request_as_openais() -> None:
    body = b'{"model":"m","input":["a","b"],"dimensions":64,"truncate":true,"keep_alive":"5m"}'

    asked = embed_request(body)

    assert json.loads(asked.body) == {
        "model": "m",
        "input": ["a", "b"],
        "dimensions": 64,
        "encoding_format": "float",
    }
    assert asked.left_out == ("truncate", "keep_alive")
    assert json.loads(embed_request(b'{"model":"m","prompt":"a"}').body)["input"] == "a"


def test_openais_reply_as_ollamas() -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": "AACAPw=="}]
    reply = json.dumps({"data": data, "model": "x", "usage": {"prompt_tokens": 8}}).encode()

    assert json.loads(embed_reply(reply, model="m")) == {
        "model": "m",
        "embeddings": [[1.0], [2.0]],
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": 8,
    }
    assert json.loads(embed_reply(reply, single=True)) == {"embedding": [1.0]}


@pytest.mark.parametrize("body", [b"[]", b'{"model":"m"}', b'{"model":"m","input":[]}'])
def test_without_texts_there_is_nothing_to_embed(body: bytes) -> None:
    with pytest.raises(BadRequest):
        embed_request(body)


def test_what_cannot_be_said_is_left_out_by_name() -> None:
    assert embed_request(b'{"model":"m","input":"a","strange":1}').left_out == ("strange",)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"error":"x"}', b'{"data":[{"embedding":"!"}],"embeddings":[1]}']
)
def test_what_is_no_reply_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        embed_reply(body)


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))), st.booleans()
)
def test_vectors_are_read_as_numbers_and_as_base64(
    vectors: list[list[float]],
    as_base64: bool,  # noqa: FBT001
) -> None:
    data = [
        {"index": i, "embedding": packed(vector) if as_base64 else vector}
        for i, vector in enumerate(vectors)
    ]

    reply = json.loads(embed_reply(json.dumps({"data": data}).encode()))

    assert reply["embeddings"] == vectors


def packed(vector: list[float]) -> str:
    """32-bit floats, least significant byte first, as OpenAI packs them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
