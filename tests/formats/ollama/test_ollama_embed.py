"""Embeddings between Ollama's words and OpenAI's."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Addressee
from pointsman.errors import BadRequest, Inexpressible, UpstreamBroken
from pointsman.formats.ollama.embed import (
    embed_reply,
    embed_request,
    upstream_embed_reply,
    upstream_embed_request,
)

TO = Addressee("all-minilm", extra={"keep_alive": "1h", "num_ctx": 512})


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


def test_a_request_for_an_ollama() -> None:
    body = b'{"model":"m","input":"a","encoding_format":"base64","user":"u"}'

    asked = upstream_embed_request(body, TO)

    assert json.loads(asked.body) == {
        "model": "all-minilm",
        "input": "a",
        "truncate": False,
        "options": {"num_ctx": 512},
        "keep_alive": "1h",
    }
    assert asked.left_out == ("user",)


@pytest.mark.parametrize("body", [b"[]", b'{"model":"m"}', b'{"model":"m","input":[]}'])
def test_without_texts_there_is_nothing_to_embed(body: bytes) -> None:
    with pytest.raises(BadRequest):
        embed_request(body)
    with pytest.raises(BadRequest):
        upstream_embed_request(body, TO)


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(Inexpressible):
        upstream_embed_request(b'{"model":"m","input":[1,2]}', TO)
    with pytest.raises(Inexpressible):
        upstream_embed_request(b'{"model":"m","input":"a","strange":1}', TO)
    with pytest.raises(Inexpressible):
        embed_request(b'{"model":"m","input":"a","strange":1}')


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"error":"x"}', b'{"data":[{"embedding":"!"}],"embeddings":[1]}']
)
def test_what_is_no_reply_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        embed_reply(body)
    with pytest.raises(UpstreamBroken):
        upstream_embed_reply(body, as_base64=False)


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))), st.booleans()
)
def test_vectors_survive_both_ways(
    vectors: list[list[float]],
    as_base64: bool,  # noqa: FBT001
) -> None:
    ollama = json.dumps({"model": "m", "embeddings": vectors, "prompt_eval_count": 3}).encode()

    openai = upstream_embed_reply(ollama, as_base64=as_base64)

    assert json.loads(openai)["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    back = json.loads(embed_reply(openai))
    assert (back["embeddings"], back["prompt_eval_count"]) == (vectors, 3)
