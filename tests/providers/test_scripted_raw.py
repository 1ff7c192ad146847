"""What is passed on unread, answered by the scripted provider: audio, images, rerank."""

import base64
import io
import json
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import UpstreamUnreachable
from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.types import Outbound, Usage

JSON = "application/json"
FORM = 'multipart/form-data; boundary="xx--xx"'


def form(**fields: str | tuple[str, bytes]):
    """A form; a file is (name, content)."""
    parts = []
    for name, value in fields.items():
        filename, content = value if isinstance(value, tuple) else ("", value.encode())
        more = f'; filename="{filename}"' if filename else ""
        head = f'--xx--xx\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + b"--xx--xx--\r\n"


async def send(path, body, *scripts: Script, content_type=JSON):
    """Status, content type, body and what the log says."""
    provider = ScriptedProvider("m", scripts)
    body = json.dumps(body).encode() if isinstance(body, dict) else body
    sent = Outbound("raw", "m", body, content_type=content_type, path=path)
    reply = await provider.open(sent)
    answer = b"".join([chunk async for chunk in reply.chunks])
    return reply.status, reply.headers["content-type"], answer, provider.log[0]


async def hear(*scripts: Script, path="/audio/transcriptions", **fields: str | tuple[str, bytes]):
    fields = {"model": "m", "file": ("hello.wav", bytes(32_000))} | fields
    return await send(path, form(**fields), *scripts, content_type=FORM)


@pytest.mark.parametrize("path", ["/audio/transcriptions", "/audio/translations"])
async def test_a_recording_says_what_the_script_replies(path):
    status, content_type, untold, _ = await hear(path=path)
    _, _, told, served = await hear(Script(reply="Hello."), path=path)

    assert (status, content_type) == (200, JSON)
    assert json.loads(untold)["text"] == ("A scripted text in the place of hello.wav, 32000 bytes.")
    assert json.loads(told) == {
        "text": "Hello.",
        "usage": {"type": "tokens", "input_tokens": 20, "output_tokens": 2, "total_tokens": 22},
    }
    assert (served.text, served.tokens) == ("Hello.", 2)


async def test_a_transcription_in_other_forms():
    _, plain_type, plain, _ = await hear(Script(reply="Hello."), response_format="text")
    _, _, verbose, _ = await hear(Script(reply="Hello."), response_format="verbose_json")

    assert (plain_type, plain) == ("text/plain; charset=utf-8", b"Hello.\n")
    assert json.loads(verbose)["duration"] == 2.0


@given(st.binary(), st.binary(max_size=9))
async def test_any_recording_is_measured(content, more):
    content += b"\r\n\n" + more
    _, _, answer, _ = await hear(file=("a.mp3", content))

    assert json.loads(answer)["text"].endswith(f"a.mp3, {len(content)} bytes.")


async def test_speech_is_a_short_silence():
    status, content_type, sound, _ = await send("/audio/speech", {"model": "m", "input": "Hello."})

    assert (status, content_type) == (200, "audio/wav")
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getnframes() / file.getframerate() == 0.1


@pytest.mark.parametrize(
    ("path", "body", "content_type", "count"),
    [
        ("/images/generations", {"model": "m", "prompt": "A cat"}, JSON, 1),
        ("/images/generations", {"model": "m", "prompt": "A cat", "n": 3}, JSON, 3),
        ("/images/edits", form(prompt="A cat", n="2", image=("a.png", b"\x89PNG")), FORM, 2),
        ("/images/variations", form(image=("a.png", b"\x89PNG")), FORM, 1),
    ],
)
async def test_every_picture_is_one_pixel(path, body, content_type, count):
    status, _, answer, _ = await send(path, body, content_type=content_type)

    reply = json.loads(answer)
    assert (status, reply["created"], len(reply["data"])) == (200, 1767225600, count)
    for picture in reply["data"]:
        png = base64.b64decode(picture["b64_json"])
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert png[16:24] == bytes([0, 0, 0, 1, 0, 0, 0, 1])
    assert reply["usage"]["output_tokens"] == count


DOCUMENTS = ["Snow falls.", "Paris is the capital of France.", {"text": "France is large."}]


async def test_documents_are_ranked_by_the_words_that_they_share():
    body = {"model": "m", "query": "capital of France", "documents": DOCUMENTS}
    status, _, answer, _ = await send("/rerank", body)
    _, _, best, _ = await send("/rerank", body | {"top_n": 1})

    reply = json.loads(answer)
    assert (status, reply["model"]) == (200, "m")
    assert reply["results"] == [
        {"index": 1, "relevance_score": 1.0},
        {"index": 2, "relevance_score": pytest.approx(1 / 3)},
        {"index": 0, "relevance_score": 0.0},
    ]
    assert json.loads(best)["results"] == reply["results"][:1]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "param"),
    [
        ("/audio/speech", {"model": "m"}, JSON, "input"),
        ("/audio/transcriptions", form(model="m"), FORM, "file"),
        ("/audio/transcriptions", form(model="m", file="words"), FORM, "file"),
        ("/audio/transcriptions", form(model="m"), "multipart/form-data", "model"),
        ("/images/generations", {"model": "m"}, JSON, "prompt"),
        ("/images/generations", {"model": "m", "prompt": "x", "n": 11}, JSON, "n"),
        ("/images/edits", form(prompt="x", n="many"), FORM, "n"),
        ("/rerank", {"model": "m", "query": "x", "documents": []}, JSON, "documents"),
        ("/rerank", {"model": "m", "documents": ["x"]}, JSON, "query"),
        ("/rerank", b"{", JSON, None),
        ("/audio/transcriptions", form(model=("", b"\xff")), FORM, None),
    ],
)
async def test_a_bad_request_is_refused_and_names_the_member(path, body, content_type, param):
    status, _, answer, _ = await send(path, body, content_type=content_type)

    error = json.loads(answer)["error"]
    assert (status, error["type"], error["param"]) == (400, "invalid_request_error", param)


@pytest.mark.parametrize("format_", ["raw", "responses", "gemini"])
async def test_nothing_is_at_other_paths(format_):
    provider = ScriptedProvider("m")
    reply = await provider.open(Outbound(format_, "m", b"{}"))
    error = json.loads(b"".join([chunk async for chunk in reply.chunks]))["error"]

    assert (reply.status, error["type"], error["code"]) == (
        404,
        "invalid_request_error",
        "not_found",
    )


async def test_a_script_is_obeyed():
    usage = Usage(input_tokens=5, output_tokens=3)
    status, _, answer, _ = await hear(Script(status=500))
    _, page_type, page, _ = await hear(Script(body=b"<html>", content_type="text/html"))
    _, _, claimed, served = await hear(Script(reply="Hello.", usage=usage))
    _, _, bare, _ = await hear(Script(reply="Hello.", no_usage=True))
    with pytest.raises(UpstreamUnreachable):
        await hear(Script(unreachable=True))

    assert (status, json.loads(answer)["error"]["type"]) == (500, "server_error")
    assert (page_type, page) == ("text/html", b"<html>")
    assert json.loads(claimed)["usage"]["total_tokens"] == 8
    assert served.tokens == 3
    assert json.loads(bare) == {"text": "Hello."}
