"""What the client sent reaches the model unharmed; what the model answered reaches the client."""

from __future__ import annotations

import json

import pytest
from tests.support.gateway import Gateway
from tests.support.upstreams import Recorder

CONFIG = """
[models.there]
provider = "openai-compatible"
base_url = "{base_url}"
model = "their-model"
tier = "simple"
"""
CHAT = "/v1/chat/completions"

#: Members in no order, unknown ones, numbers and strings spelled as nobody would.
ODD = (
    rb'{"zeta":{"b":1.0,"a":1e3,"deep":[1E+2,-0.0,0.10,12345678901234567890,1.7976931348623157e308]}'
    rb',"seed":1.0,"temperature":0.70,"top_p":1e0,"messages":[{"role":"user","name":"\u0041da"'
    rb',"content":"caf\u00e9 \ud83d\ude00 \/ \u0000 \u2028"},{"content":[{"text":"caf'
    + "é 😀".encode()
    + rb'","type":"text"}],"role":"user"}],"model":"auto","max_tokens":16,"stop":null'
    b',"metadata":{ "spaced" :\t[ 1 , 2 ],\n"empty":{}}'
    rb',"x-\u0063ustom":"\u0022","logit_bias":{"7":-1e2}'
)
#: The same as the model should get it: only the names of its members are spelled plainly.
REACHED = ODD.replace(b'"auto"', b'"their-model"').replace(rb'"x-\u0063ustom"', b'"x-custom"')

WHOLE = (
    b'{ "object":"chat.completion" , "id":"\\u0061", "created":1e9, "extra":{"pi":3.140},\r\n'
    b'"choices":[{"message":{"content":"caf\\u00e9","role":"assistant","x":[ ]},"index":0,'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}}\n'
)

STREAM = (
    b": a comment\n\n"
    b'event: message\nid: 7\ndata: {"choices":[{"delta":{"content":"caf\\u00e9"} ,"index":0}], "x":1.0}\n\n'
    b'data:{"choices":[{"delta":{"content":"\\ud83d\\ude00"},"index":0}],"p":"padding"}\r\n\r\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop","index":0}]}\n\n'
    b'data: {"usage":{"prompt_tokens":11,"completion_tokens":3},"choices":[]}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.fixture(scope="module")
def upstream():
    with Recorder() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gateway(upstream: Recorder, tmp_path_factory: pytest.TempPathFactory):
    config = CONFIG.format(base_url=upstream.base_url)
    with Gateway(tmp_path_factory.mktemp("home"), config) as gateway:
        yield gateway


def whole(upstream: Recorder) -> None:
    upstream.reply, upstream.content_type = WHOLE, "application/json"


def streaming(upstream: Recorder) -> None:
    upstream.reply, upstream.content_type = STREAM, "text/event-stream"


def test_a_request_reaches_the_upstream_with_its_model_alone_replaced(
    gateway: Gateway, upstream: Recorder
):
    whole(upstream)

    answer = gateway.send("POST", CHAT, ODD + b"}")

    assert answer.status == 200
    assert upstream.bodies[-1] == REACHED + b"}"


def test_spaces_between_members_do_not_matter(gateway: Gateway, upstream: Recorder):
    whole(upstream)
    tight = b'{"messages":[{"role":"user","content":"hi"}],"model":"auto","n":1}'
    wide = b'\n{ "messages" :[{"role":"user","content":"hi"}],\t"model": "auto" ,\r\n"n" : 1 } '

    gateway.send("POST", CHAT, tight)
    gateway.send("POST", CHAT, wide)

    assert upstream.bodies[-1] == upstream.bodies[-2]


def test_a_stream_is_asked_for_with_its_usage(gateway: Gateway, upstream: Recorder):
    streaming(upstream)

    gateway.send("POST", CHAT, ODD + b',"stream":true}')

    wish = b',"stream":true,"stream_options":{"include_usage":true}}'
    assert upstream.bodies[-1] == REACHED + wish


def test_the_other_stream_options_stay(gateway: Gateway, upstream: Recorder):
    streaming(upstream)
    options = b'{"include_usage":false,"include_obfuscation":false}'

    gateway.send("POST", CHAT, ODD + b',"stream":true,"stream_options":' + options + b"}")

    sent = json.loads(upstream.bodies[-1])
    assert sent["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert list(sent)[-2:] == ["stream", "stream_options"]


def test_a_whole_reply_comes_back_byte_for_byte(gateway: Gateway, upstream: Recorder):
    whole(upstream)

    answer = gateway.send("POST", CHAT, ODD + b"}")

    assert answer.body == WHOLE
    assert answer.headers["content-length"] == str(len(WHOLE))


def test_a_stream_comes_back_byte_for_byte_where_usage_was_asked(
    gateway: Gateway, upstream: Recorder
):
    streaming(upstream)

    answer = gateway.send(
        "POST", CHAT, ODD + b',"stream":true,"stream_options":{"include_usage":true}}'
    )

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body == STREAM


def test_a_stream_comes_back_without_the_usage_that_nobody_asked_for(
    gateway: Gateway, upstream: Recorder
):
    streaming(upstream)
    events = STREAM.split(b"data: ")
    told = next(event for event in events if event.startswith(b'{"usage"'))

    answer = gateway.send("POST", CHAT, ODD + b',"stream":true}')

    assert answer.body == STREAM.replace(b"data: " + told, b"")
    usage = gateway.record(answer.headers["x-request-id"])["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["estimated"]) == (11, 3, False)
