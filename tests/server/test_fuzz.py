"""Whatever is sent, the answer is a success or an error in OpenAI's shape: never a 500."""

import asyncio
import json
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway import two_tiers

from pointsman.app import App
from pointsman.server.routes import PATHS

POSTS = [path.path for path in PATHS if path.method == "POST"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
CONTENT = st.text(max_size=30) | st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image_url", "x"])}, optional={"text": JSON}
    ),
    max_size=2,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "system", "assistant", "tool"]), "content": CONTENT | JSON}
)
BODY = st.fixed_dictionaries(
    {"model": st.sampled_from(["auto", "local", "weak", "nobody"]) | JSON},
    optional={
        "messages": st.lists(MESSAGE, max_size=3) | JSON,
        "prompt": JSON,
        "message": JSON,
        "query": JSON,
        "request_id": JSON,
        "rating": JSON,
        "stream": st.booleans() | JSON,
        "stream_options": JSON,
        "tools": JSON,
        "tool_choice": JSON,
        "response_format": JSON,
        "max_tokens": st.integers(1, 50) | JSON,
        "n": st.integers(1, 3) | JSON,
        "stop": JSON,
        "logprobs": JSON,
        "temperature": JSON,
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-force-route", "authorization", "x-api-key", "content-type", "x-request-id"]
    ),
    st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20
    ),
)


@pytest.fixture(scope="module")
def send() -> Iterator[object]:
    """Sends one request to a gateway that all examples share."""
    loop = asyncio.new_event_loop()
    app = App(two_tiers(), environment={})
    loop.run_until_complete(app.start(in_memory=True))
    transport = httpx2.ASGITransport(app=app.asgi())
    client = httpx2.AsyncClient(transport=transport, base_url="http://localhost")

    def send_one(path: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        encoded = [(name, value.encode("latin-1")) for name, value in headers.items()]
        return loop.run_until_complete(client.post(path, content=body, headers=encoded))

    yield send_one
    loop.run_until_complete(client.aclose())
    loop.run_until_complete(app.close())
    loop.close()


def check(path: str, reply: httpx2.Response) -> None:
    assert reply.status_code < 500
    assert reply.headers["x-request-id"].startswith("req_")
    if reply.status_code < 400:
        return
    told = reply.json()
    if path.startswith("/v1/messages"):
        assert (told["type"], set(told["error"])) == ("error", {"type", "message"})
        assert told["request_id"] == reply.headers["x-request-id"]
    elif path.startswith("/api/") and path != "/api/v1/chat":
        assert set(told) == {"error"}
        assert isinstance(told["error"], str)
    else:
        error = told["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str)
        assert error["code"] is None or isinstance(error["code"], str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(path=st.sampled_from(POSTS), body=BODY | JSON, headers=HEADERS)
def test_any_json(send, path: str, body: object, headers: dict[str, str]) -> None:
    check(path, send(path, json.dumps(body).encode(), headers))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(POSTS), body=st.binary(max_size=200))
def test_any_bytes(send, path: str, body: bytes) -> None:
    check(path, send(path, body, {}))
