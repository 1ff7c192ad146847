"""The embedded model's process is killed, and so is the gateway; neither takes the other along."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import openai
import psutil
import pytest
from openai import OpenAI
from tests.support.gateway import PATIENCE_S, Gateway, eventually
from tests.support.upstreams import MODEL, model_weights

pytestmark = pytest.mark.full

CONFIG = """
[models.small]
provider = "embedded"
model = "{model}"
weights = "{weights}"
context_length = 2048
"""
#: Long enough that its end is not reached before the test's own.
LONG = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Count from one to five hundred, in words."}],
    "max_tokens": 1500,
    "temperature": 0,
}
SHORT = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 4}


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory):
    config = CONFIG.format(model=MODEL, weights=model_weights())
    with Gateway(tmp_path_factory.mktemp("home"), config) as gateway:
        yield gateway
        assert "Traceback" not in gateway.log


def model_process(gateway: Gateway) -> psutil.Process:
    """The embedded model's process."""
    return eventually(lambda: _children(gateway), "the model's process runs")[0]


def _children(gateway: Gateway) -> list[psutil.Process]:
    return [c for c in gateway.children() if any("embedded_child" in word for word in c.cmdline())]


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended, collected by its parent or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_model_dies_within_a_stream_and_the_gateway_lives(gateway: Gateway):
    victim = model_process(gateway)
    with OpenAI(base_url=gateway.base_url, api_key="any", max_retries=0) as client:
        reply = client.chat.completions.with_raw_response.create(**LONG, stream=True)
        stream = iter(reply.parse())
        given = [next(stream).choices[0].delta.content for _ in range(5)]
        victim.kill()
        with pytest.raises(openai.APIError, match="broke"):
            given += [chunk.choices[0].delta.content for chunk in stream]

        again = client.chat.completions.create(model="auto", **SHORT)

    assert "".join(text or "" for text in given)
    assert again.choices[0].message.content
    assert model_process(gateway).pid != victim.pid
    record = gateway.record(reply.headers["x-request-id"])
    assert record["outcome"] == "failed"
    assert record["error"]
    assert record["usage"]["output_tokens"] > 0
    assert record["usage"]["estimated"] is True
    assert [each["outcome"] for each in record["attempts"]] == ["failed"]


def test_a_broken_stream_ends_with_an_error_and_never_with_done(gateway: Gateway):
    victim = model_process(gateway)
    parts = urlsplit(gateway.address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        body = json.dumps({**LONG, "stream": True})
        connection.request("POST", "/v1/chat/completions", body)
        reply = connection.getresponse()
        begun = [reply.readline() for _ in range(6)]
        victim.kill()
        events = b"".join([*begun, reply.read()]).removesuffix(b"\n\n").split(b"\n\n")
    finally:
        connection.close()

    assert all(event.startswith(b"data: {") for event in events)
    last = json.loads(events[-1].removeprefix(b"data: "))
    assert last["error"]["message"]
    assert last["error"]["type"] == "server_error"
    assert not any(b"[DONE]" in event or b'"error"' in event for event in events[:-1])


def test_the_model_dies_while_idle_and_nobody_notices(gateway: Gateway):
    assert gateway.chat({"model": "auto", **SHORT}).status == 200

    model_process(gateway).kill()

    answer = gateway.chat({"model": "auto", **SHORT})
    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["content"]


def test_the_gateway_dies_and_takes_the_model_along(gateway: Gateway):
    orphan = model_process(gateway)

    gateway.kill()

    eventually(lambda: is_gone(orphan), "the model's process is gone", within_s=10)


def test_the_gateway_ends_and_takes_the_model_along(gateway: Gateway):
    child = model_process(gateway)

    assert gateway.stop() == 0

    eventually(lambda: is_gone(child), "the model's process is gone", within_s=10)
