"""The embedded model itself: llama.cpp, real weights, and deaths."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.support.upstreams import model_weights

from pointsman.clock import SystemClock
from pointsman.errors import UpstreamBroken, UpstreamUnreachable
from pointsman.formats.chat.request import chat_body
from pointsman.ports import Provider
from pointsman.providers import embedded_child, probes
from pointsman.providers.child_process import ChildProcess
from pointsman.providers.dialects import DIALECTS
from pointsman.providers.embedded import EmbeddedProvider
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.providers.upstream import HttpProvider
from pointsman.types import Json, Outbound, ProviderReply

pytestmark = pytest.mark.full

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def weights() -> Path:
    """The small model's, pulled earlier."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp: pip install 'pointsman[local]'")
    return model_weights()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.close()


@pytest.fixture
async def provider(client: HttpClient, weights: Path) -> AsyncIterator[EmbeddedProvider]:
    made = embed(client, weights)
    yield made
    await made.close()


def embed(client: HttpClient, weights: Path) -> EmbeddedProvider:
    def upstream(base_url: str, api_key: str) -> Provider:
        return HttpProvider(
            client,
            DIALECTS["openai"],
            probes.llamacpp,
            base_url=base_url,
            model=MODEL,
            api_key=api_key,
        )

    return EmbeddedProvider(
        weights=weights, model=MODEL, upstream=upstream, clock=SystemClock(), context_length=512
    )


async def ask(provider: Provider, prompt: str, **parameters: Json) -> ProviderReply:
    return await provider.open(Outbound("chat", "m", chat_body("m", prompt, parameters)))


def server() -> psutil.Process:
    """The child that the provider started; other tests may have left servers of theirs."""
    (child,) = [
        child
        for child in psutil.Process().children()
        if any("embedded_child" in word for word in child.cmdline())
    ]
    return child


async def body(reply: ProviderReply) -> bytes:
    return b"".join([chunk async for chunk in reply.chunks])


async def test_answers(provider: EmbeddedProvider) -> None:
    reply = await ask(provider, "What is the capital of France?", max_tokens=20)

    answer = msgspec.json.decode(await body(reply))
    assert reply.status == 200
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["model"] == MODEL
    assert answer["usage"]["prompt_tokens"] > 10


async def test_streams_with_usage(provider: EmbeddedProvider) -> None:
    wanted: Json = {"include_usage": True}
    reply = await ask(provider, "Count to five.", stream=True, stream_options=wanted, max_tokens=12)

    *events, done, _ = (await body(reply)).split(b"\n\n")
    assert done == b"data: [DONE]"
    assert msgspec.json.decode(events[-1].removeprefix(b"data: "))["usage"]["completion_tokens"] > 1


async def test_each_slot_has_the_whole_context(provider: EmbeddedProvider) -> None:
    fits, too_long = await asyncio.gather(
        ask(provider, "word " * 400, max_tokens=1), ask(provider, "word " * 600, max_tokens=1)
    )

    assert (fits.status, too_long.status) == (200, 400)
    await body(fits)
    assert b"exceed_context_size_error" in await body(too_long)
    health = await provider.probe()
    assert health.context_length == 512
    assert health.capabilities is not None
    assert "tools" not in health.capabilities  # its template has no place for them


async def test_a_child_killed_within_a_stream_breaks_it_and_is_replaced(
    provider: EmbeddedProvider,
) -> None:
    reply = await ask(provider, "Tell me a long story.", stream=True, ignore_eos=True)
    child = server()

    await anext(reply.chunks)
    child.kill()
    with pytest.raises(UpstreamBroken):
        await body(reply)

    assert (await ask(provider, "Hello", max_tokens=2)).status == 200


async def test_a_child_killed_within_a_whole_reply_is_replaced_and_asked_again(
    provider: EmbeddedProvider,
) -> None:
    await body(await ask(provider, "Hello", max_tokens=1))
    child = server()
    waiting = asyncio.create_task(ask(provider, "Write.", ignore_eos=True, max_tokens=200))
    await asyncio.sleep(0)

    child.kill()

    assert (await waiting).status == 200


async def test_weights_cut_short_are_said_so(
    client: HttpClient, weights: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.gguf"
    with weights.open("rb") as file:
        short.write_bytes(file.read(1024 * 1024))
    provider = embed(client, short)

    with pytest.raises(UpstreamUnreachable, match=r"does not start: .*short\.gguf|not start: .*\("):
        await ask(provider, "Hello")

    await provider.close()


async def test_serves_nobody_without_the_key_and_logs_no_prompt(
    client: HttpClient, weights: Path
) -> None:
    settings = {"weights": str(weights), "model": MODEL, "api_key": "the key"}
    line = msgspec.json.encode({**settings, "context_length": 512, "slots": 1})
    child = await ChildProcess.start([sys.executable, "-P", embedded_child.__file__], line)
    base_url = await child.base_url(limit_s=60)
    assert base_url.startswith("http://127.0.0.1:")

    async def chat(key: str) -> int:
        url, prompt = f"{base_url}/chat/completions", chat_body("m", "xylophone", {"max_tokens": 2})
        headers = {"authorization": f"Bearer {key}"}
        reply = await client.post(url, prompt, headers, Timeouts())
        await body(reply)
        return reply.status

    assert [await chat("another key"), await chat("the key")] == [401, 200]
    for path in ("models", "../slots", "../props", "../metrics"):
        assert (await client.get(f"{base_url}/{path}", {}, 5))[0] == 401
    await child.end(grace_s=2)
    assert "xylophone" not in child.log


PARENT = """
import asyncio, sys
from pathlib import Path
from pointsman.clock import SystemClock
from pointsman.providers.embedded import EmbeddedProvider

async def main():
    provider = EmbeddedProvider(
        weights=Path(sys.argv[1]), model="m", clock=SystemClock(), upstream=lambda url, key: Upstream()
    )
    await provider.start()
    if sys.argv[2] == "up":
        while provider.state != "up":
            await asyncio.sleep(0.01)
    print("ready", flush=True)
    await asyncio.Event().wait()

class Upstream:
    async def close(self): pass

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["up", "warming"])
async def test_a_parent_that_is_killed_takes_its_child_along(weights: Path, moment: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(weights), moment, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    await until(lambda: bool(psutil.Process(parent.pid).children()))
    children = psutil.Process(parent.pid).children()

    parent.kill()
    await parent.wait()

    await until(lambda: not any(is_alive(child) for child in children))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # it waits for an init that is not ours
    except psutil.NoSuchProcess:
        return False
