"""The embedded model's supervision, with a child that has no model."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from pointsman.clock import SystemClock
from pointsman.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from pointsman.formats.chat.request import chat_body
from pointsman.ports import Provider
from pointsman.providers import probes
from pointsman.providers.dialects import DIALECTS
from pointsman.providers.embedded import EmbeddedProvider
from pointsman.providers.http import HttpClient
from pointsman.providers.upstream import HttpProvider
from pointsman.types import Outbound, ProviderReply

FAKE = Path(__file__).with_name("embedded_fake.py")
NO_OPTIONS: tuple[str, ...] = ()
Embed = Callable[..., EmbeddedProvider]


@pytest.fixture
async def embed(tmp_path: Path) -> AsyncIterator[Embed]:
    """Makes embedded providers with the fake child, and closes them."""
    client = HttpClient()
    made: list[EmbeddedProvider] = []
    (tmp_path / "tiny.gguf").touch()

    def upstream(base_url: str, api_key: str) -> Provider:
        return HttpProvider(
            client,
            DIALECTS["openai"],
            probes.llamacpp,
            base_url=base_url,
            model="tiny",
            api_key=api_key,
        )

    def make(*options: str, **settings: float) -> EmbeddedProvider:
        provider = EmbeddedProvider(
            weights=tmp_path / "tiny.gguf",
            model="tiny",
            upstream=upstream,
            clock=SystemClock(),
            command=(sys.executable, "-P", str(FAKE), *options),
            restart_pause_s=settings.pop("restart_pause_s", 0.01),
            **settings,  # type: ignore[arg-type]
        )
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.close()
    await client.close()


def sent(prompt: str) -> Outbound:
    return Outbound("chat", "tiny", chat_body("tiny", prompt, {"stream": True}), stream=True)


async def read(reply: ProviderReply) -> str:
    """The reply's text, without its first word."""
    assert reply.status == 200
    body = b"".join([chunk async for chunk in reply.chunks])
    events = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert events.pop() == "[DONE]"
    texts = [msgspec.json.decode(event)["choices"][0]["delta"]["content"] for event in events]
    assert texts.pop(0) == "first"
    return "".join(texts)


async def ask(provider: EmbeddedProvider, prompt: str) -> str:
    return await read(await provider.open(sent(prompt)))


async def child_of(provider: EmbeddedProvider) -> psutil.Process:
    return psutil.Process(int(await ask(provider, "pid")))


async def until(condition: Callable[[], bool]) -> None:
    """Wait, without an opinion on how long it takes."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)


async def test_starts_with_the_first_request(embed: Embed) -> None:
    provider = embed()
    assert (provider.state, (await provider.probe()).state) == ("cold", "cold")

    assert await ask(provider, "hello") == "hello"

    assert provider.state == "up"
    health = await provider.probe()
    assert (health.state, health.context_length) == ("up", 512)


async def test_start_returns_at_once_and_requests_wait(embed: Embed) -> None:
    provider = embed()

    await provider.start()
    assert provider.state == "warming"
    await provider.start()

    pids = await asyncio.gather(*(ask(provider, "pid") for _ in range(5)))
    assert len(set(pids)) == 1


async def test_hands_over_its_settings_and_a_key_of_its_own(embed: Embed) -> None:
    first, second = embed(slots=3, context_length=1024, threads=1), embed()

    one = msgspec.json.decode(await ask(first, "settings"))
    two = msgspec.json.decode(await ask(second, "settings"))

    assert (one["model"], one["slots"], one["context_length"], one["threads"]) == (
        "tiny", 3, 1024, 1,
    )  # fmt: skip
    assert Path(one["weights"]).name == "tiny.gguf"
    assert len(one["api_key"]) >= 40
    assert one["api_key"] != two["api_key"]
    assert one["api_key"] not in " ".join((await child_of(first)).cmdline())


async def test_a_request_that_kills_the_child_is_broken_and_the_next_one_served(
    embed: Embed,
) -> None:
    provider = embed()
    before = await child_of(provider)

    with pytest.raises(UpstreamBroken):
        await ask(provider, "die")

    assert await child_of(provider) != before


async def test_a_child_that_died_between_requests_is_replaced(embed: Embed) -> None:
    provider = embed()
    before = await child_of(provider)
    before.kill()

    assert await child_of(provider) != before


async def test_a_child_that_keeps_dying_is_started_again_and_again(embed: Embed) -> None:
    provider = embed()

    for _ in range(4):
        with pytest.raises(UpstreamBroken):
            await ask(provider, "die")

    assert await ask(provider, "hello") == "hello"


async def test_a_child_that_is_never_ready_costs_no_more_than_the_patience(embed: Embed) -> None:
    provider = embed("--never-ready", patience_s=0.05)

    with pytest.raises(UpstreamTimeout, match=r"not ready within 0\.05 s"):
        await ask(provider, "hello")

    assert provider.state == "warming"


async def test_a_child_that_loads_for_too_long_is_given_up(embed: Embed) -> None:
    provider = embed("--never-ready", start_limit_s=0.05, restart_pause_s=60)

    with pytest.raises(UpstreamUnreachable, match=r"not ready within 0\.05 s"):
        await ask(provider, "hello")


async def test_a_child_that_does_not_start_says_why_until_it_does(
    embed: Embed, tmp_path: Path
) -> None:
    rotten = tmp_path / "rotten"
    rotten.touch()
    provider = embed("--fail-while", str(rotten))

    with pytest.raises(UpstreamUnreachable, match=r"status 3 \(loader: the weights are rotten\)$"):
        await ask(provider, "hello")
    rotten.unlink()

    await until(lambda: provider.state == "up")
    assert await ask(provider, "hello") == "hello"


async def test_while_it_is_down_requests_fail_at_once(embed: Embed) -> None:
    provider = embed("--report", '{"error": "no wheel"}', restart_pause_s=60)

    for _ in range(2):
        with pytest.raises(UpstreamUnreachable, match="does not start: no wheel"):
            await ask(provider, "hello")

    assert (await provider.probe()).state == "down"
    assert "no wheel" in (await provider.probe()).detail


async def test_missing_weights_say_how_to_get_them_and_are_found_later(
    embed: Embed, tmp_path: Path
) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.unlink()
    provider = embed()

    with pytest.raises(UpstreamUnreachable, match=r"no weights tiny\.gguf; run: pointsman models"):
        await ask(provider, "hello")
    assert (await provider.probe()).state == "down"

    weights.touch()

    await until(lambda: provider.state == "up")
    assert await ask(provider, "hello") == "hello"


@pytest.mark.parametrize("report", ["gibberish", "[]", "x" * 100_000])
async def test_a_child_that_talks_nonsense_is_said_so(embed: Embed, report: str) -> None:
    provider = embed("--report", report, restart_pause_s=60)

    with pytest.raises(UpstreamUnreachable, match="something else than where it serves"):
        await ask(provider, "hello")


async def test_a_command_that_is_not_there_is_said_so(embed: Embed, tmp_path: Path) -> None:
    provider = EmbeddedProvider(
        weights=FAKE,
        model="tiny",
        upstream=lambda _url, _key: pytest.fail("nothing to connect to"),
        clock=SystemClock(),
        command=(str(tmp_path / "no-such-command"),),
    )

    with pytest.raises(UpstreamUnreachable, match="it can't be started"):
        await ask(provider, "hello")

    await provider.close()


async def test_noise_neither_blocks_nor_reaches_the_terminal(
    embed: Embed, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await ask(embed("--noise", "20000"), "hello") == "hello"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("option", [NO_OPTIONS, ("--stubborn",)])
async def test_close_ends_the_child_for_good(embed: Embed, option: tuple[str, ...]) -> None:
    provider = embed(*option, grace_s=0.2)
    child = await child_of(provider)

    await provider.close()
    await provider.close()

    assert not child.is_running()
    assert provider.state == "down"
    with pytest.raises(UpstreamUnreachable, match="was closed"):
        await ask(provider, "hello")


async def test_close_while_it_is_starting_lets_go_of_those_who_wait(embed: Embed) -> None:
    provider = embed("--never-ready")
    waiting = asyncio.create_task(ask(provider, "hello"))

    await until(lambda: bool(psutil.Process().children()))
    await provider.close()

    with pytest.raises(UpstreamUnreachable, match="was closed"):
        await waiting
    assert psutil.Process().children() == []


async def test_close_before_anything_began(embed: Embed) -> None:
    await embed().close()
