"""Audio, images and rerank: passed on as they came, but for the model's name, and in the books."""

import asyncio
import json

import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.config import ModelSettings, Settings
from pointsman.providers.scripted import Script, ScriptedProvider

WAV = bytes(range(256)) * 8 + b"\r\n--not-the-boundary\r\n\r\n"
FORM = "multipart/form-data; boundary=frontier"


def with_media(**more: object) -> Settings:
    media = ModelSettings(
        provider="scripted",
        model="media-model",
        tasks=frozenset({"audio", "images", "rerank"}),
    )
    return two_tiers(models={**two_tiers().models, "media": media}, **more)


@pytest.fixture
async def gateway(start: StartGateway) -> Gateway:
    return await start(with_media(aliases={"whisper-*": "media"}))


@pytest.fixture
def media(gateway: Gateway) -> ScriptedProvider:
    return gateway.tell("media")


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return b"--frontier\r\n" + head.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--frontier--\r\n"


FILE = part("file", WAV, '; filename="a.wav"\r\nContent-Type: audio/wav')


async def send(gateway: Gateway, path: str, body: bytes, content_type: str = FORM):
    return await gateway.client.post(path, content=body, headers={"content-type": content_type})


async def transcribe(gateway: Gateway, *parts: bytes):
    return await send(gateway, "/v1/audio/transcriptions", form(*parts))


@pytest.mark.parametrize(
    ("path", "body", "answered"),
    [
        ("/v1/audio/speech", {"input": "hi", "voice": "alloy"}, "audio/wav"),
        ("/v1/images/generations", {"prompt": "a cat", "n": 2}, "application/json"),
        ("/v1/rerank", {"query": "cat", "documents": ["a cat", "rain"]}, "application/json"),
    ],
)
@pytest.mark.parametrize("asked", ["media", "auto", "whisper-1"])
async def test_whoever_is_there_for_it_answers(
    gateway: Gateway, path: str, body: dict[str, object], answered: str, asked: str
) -> None:
    weak = gateway.tell("weak")

    reply = await gateway.client.post(path, json={"model": asked, **body})

    assert reply.status_code == 200
    assert reply.headers["content-type"] == answered
    assert reply.headers["x-pointsman-model"] == "media"
    assert weak.log == []
    record = await gateway.record(reply)
    assert (record["model_asked"], record["outcome"]) == (asked, "completed")
    assert record["deployment"] == "media"


async def test_json_goes_on_byte_for_byte(gateway: Gateway, media: ScriptedProvider) -> None:
    rest = (
        b'"query":"caf\\u00e9","documents":[ "a" ,"b\\/c"],"top_n":1e0,"seed":12345678901234567890'
    )

    await send(
        gateway, "/v1/rerank", b'{ %s , "model":"auto" }' % rest, "application/json; charset=utf-8"
    )

    sent = media.log[-1].request
    assert json.loads(sent)["model"] == "media-model"
    for member in (b'"caf\\u00e9"', b'[ "a" ,"b\\/c"]', b":1e0", b":12345678901234567890"):
        assert member in sent


@pytest.mark.parametrize(
    "order", [("model", "file"), ("file", "model"), ("language", "model", "file")]
)
async def test_a_form_goes_on_byte_for_byte_under_the_deployments_name(
    gateway: Gateway, media: ScriptedProvider, order: tuple[str, ...]
) -> None:
    parts = {
        "model": part("model", b"whisper-1"),
        "file": FILE,
        "language": part("language", "français".encode()),
    }
    sent = form(*(parts[name] for name in order))

    reply = await send(gateway, "/v1/audio/transcriptions", sent)

    assert reply.status_code == 200
    assert "a.wav" in reply.json()["text"]
    assert media.log[-1].request == sent.replace(b"whisper-1", b"media-model")
    record = await gateway.record(reply)
    assert record["usage"]["output_tokens"] == reply.json()["usage"]["output_tokens"]


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        'multipart/form-data; charset=utf-8; Boundary="frontier"',
        "multipart/form-data;boundary=frontier;charset=utf-8",
    ],
)
async def test_a_boundary_may_be_stated_in_several_ways(
    gateway: Gateway, media: ScriptedProvider, content_type: str
) -> None:
    sent = form(part("model", b"auto"), FILE)

    reply = await send(gateway, "/v1/audio/transcriptions", sent, content_type)

    assert reply.status_code == 200
    assert media.log[-1].request == sent.replace(b"auto", b"media-model")


async def test_a_boundary_may_hold_spaces_and_commas(
    gateway: Gateway, media: ScriptedProvider
) -> None:
    sent = form(part("model", b"auto"), FILE).replace(b"--frontier", b"--a (b), c=d; e")

    await send(
        gateway,
        "/v1/audio/transcriptions",
        sent,
        'multipart/form-data; boundary="a (b), c=d; e"',
    )

    assert media.log[-1].request == sent.replace(b"auto", b"media-model")


@pytest.mark.parametrize(
    "header",
    [
        b'content-disposition: form-data; name="model"',
        b"Content-Disposition: form-data; name=model",
        b'Content-Type: text/plain\r\nContent-Disposition: form-data;name="model"',
        b'CONTENT-DISPOSITION:form-data; name="model"\r\nContent-Length: 4',
    ],
)
async def test_the_models_field_is_known_however_it_is_written(
    gateway: Gateway, media: ScriptedProvider, header: bytes
) -> None:
    sent = form(b"--frontier\r\n" + header + b"\r\n\r\nauto\r\n", FILE)

    reply = await send(gateway, "/v1/audio/transcriptions", sent)

    assert reply.headers["x-pointsman-model"] == "media"
    assert media.log[-1].request == sent.replace(b"auto", b"media-model")


async def test_a_field_of_another_name_is_no_model(
    gateway: Gateway, media: ScriptedProvider
) -> None:
    others = [
        part("model_version", b"3"),
        part("my-model", b"4"),
        part("file", b"x", '; filename="model"'),
        part("name", b"model"),
    ]

    reply = await transcribe(gateway, *others, part("model", b"whisper-1"), FILE)

    assert reply.headers["x-pointsman-model"] == "media"
    assert media.log[-1].request == form(*others, part("model", b"media-model"), FILE)


@pytest.mark.parametrize(
    ("sent", "content_type", "status", "param"),
    [
        pytest.param(form(FILE), FORM, 400, "model", id="no model"),
        pytest.param(form(part("model", b""), FILE), FORM, 400, "model", id="empty model"),
        pytest.param(form(part("model", b"x" * 600)), FORM, 400, "model", id="endless name"),
        pytest.param(form(part("model", b"nobody")), FORM, 404, "model", id="unknown model"),
        pytest.param(
            form(part("model", b"auto"), part("model", b"dearest")), FORM, 400, "model", id="two"
        ),
        pytest.param(part("model", b"auto"), FORM, 400, "model", id="cut short"),
        pytest.param(form(FILE), "multipart/form-data", 400, None, id="no boundary"),
        pytest.param(b"", FORM, 400, "model", id="empty"),
        pytest.param(b'{"model": "auto"', "application/json", 400, None, id="cut JSON"),
        pytest.param(b'["auto"]', "application/json", 400, None, id="an array"),
        pytest.param(b'{"file": "x"}', "application/json", 400, "model", id="JSON, no model"),
        pytest.param(b'{"model": 7}', "application/json", 400, "model", id="a number"),
        pytest.param(
            b'{"model": "a", "model": "b"}', "application/json", 400, None, id="two in JSON"
        ),
        pytest.param(WAV, "audio/wav", 415, None, id="a bare recording"),
    ],
)
async def test_what_can_not_be_passed_on(
    gateway: Gateway, sent: bytes, content_type: str, status: int, param: str | None
) -> None:
    reply = await send(gateway, "/v1/audio/transcriptions", sent, content_type)

    assert reply.status_code == status
    assert reply.json()["error"]["param"] == param
    assert gateway.tell("media").log == []


async def test_bytes_come_back_as_they_are(gateway: Gateway, media: ScriptedProvider) -> None:
    media.tell(Script(body=WAV, content_type="audio/mpeg", chunks=7))

    reply = await gateway.client.post("/v1/audio/speech", json={"model": "auto", "input": "hi"})

    assert reply.content == WAV
    assert reply.headers["content-type"] == "audio/mpeg"
    record = await gateway.record(reply)
    assert (record["outcome"], record["usage"]) == ("completed", None)


async def test_a_transcript_may_be_plain_text_or_a_stream_of_events(
    gateway: Gateway, media: ScriptedProvider
) -> None:
    sse = b'data: {"type":"transcript.text.delta","delta":"hi"}\n\ndata: {"type":"transcript.text.done"}\n\n'
    media.tell(Script(), Script(body=sse, content_type="text/event-stream"))

    text = await transcribe(gateway, part("model", b"auto"), part("response_format", b"text"), FILE)
    stream = await transcribe(gateway, part("model", b"auto"), part("stream", b"true"), FILE)

    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text.endswith("\n")
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.content == sse


async def test_a_refusal_is_passed_on(gateway: Gateway, media: ScriptedProvider) -> None:
    reply = await gateway.client.post("/v1/rerank", json={"model": "auto", "query": "cat"})

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "documents"
    assert (await gateway.record(reply))["outcome"] == "failed"


async def test_another_deployment_answers_where_one_fails(start: StartGateway) -> None:
    media = with_media().models["media"]
    gateway = await start(two_tiers(models={"media": media, "spare": media}))
    gateway.tell("media", Script(status=500))

    reply = await gateway.client.post("/v1/audio/speech", json={"model": "auto", "input": "hi"})

    assert reply.status_code == 200
    assert reply.headers["x-pointsman-model"] == "spare"


@pytest.mark.parametrize("asked", ["auto", "weak"])
async def test_where_nobody_is_there_for_it_that_is_said(gateway: Gateway, asked: str) -> None:
    reply = await gateway.client.post(
        "/v1/images/generations",
        json={"model": asked, "prompt": "x"},
        headers={"x-force-route": "weak"},
    )

    assert reply.status_code == 400
    assert "weak: is not there for images" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/audio/../../admin",
        "/v1/audio/..%2f..%2fadmin",
        "/v1/audio/speech/../../assistants",
        "/v1/audio/speech%3Fx=1",
        "/v1/audio/Speech",
        "/v1/audio/",
        "/v1/audio/-",
        "/v1/images/generations/x",
        "/v1/images/http:%2f%2fevil.example",
    ],
)
async def test_only_a_plain_word_may_follow_the_path(
    gateway: Gateway, media: ScriptedProvider, path: str
) -> None:
    reply = await gateway.client.post(path, json={"model": "auto", "input": "hi"})

    assert reply.status_code == 404
    assert media.log == []


async def test_what_breaks_off_is_not_passed_for_whole(
    gateway: Gateway, media: ScriptedProvider
) -> None:
    """In sound there is no place for words: it stops short, and nothing ends it."""
    media.tell(Script(body=WAV, content_type="audio/wav", chunks=4, cut_at_byte=1000))
    body = b'{"model": "auto", "input": "hi"}'
    scope = {"type": "http", "method": "POST", "path": "/v1/audio/speech", "query_string": b""}
    scope |= {"http_version": "1.1", "headers": [(b"host", b"localhost")]}
    incoming: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    incoming.put_nowait({"type": "http.request", "body": body})
    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await gateway.app.asgi()(scope, incoming.get, send)

    assert b"".join(message.get("body", b"") for message in sent) == WAV[:1000]
    assert sent[-1]["more_body"]
    (record,) = (await gateway.client.get("/v1/decisions")).json()["data"]
    assert record["outcome"] == "failed"
