"""Slow is not dead: each phase of a call has its own limit, and no other."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.gateway import Answer, Gateway
from tests.support.upstreams import scripted_upstream

from pointsman.providers.scripted import Script, ScriptedProvider

pytestmark = pytest.mark.full

CONFIG = """
[models.slow]
provider = "vllm"
base_url = "{base_url}"
model = "slow"
timeouts = {{ first_byte_s = {first_byte_s}, between_chunks_s = {between_chunks_s} }}
"""
MESSAGES = [{"role": "user", "content": "Hello"}]


async def ask(
    home: pytest.TempPathFactory, script: Script, *, stream: bool, **limits: float
) -> Answer:
    """The gateway's answer with an upstream that follows `script`, under `limits`."""
    async with scripted_upstream(ScriptedProvider("slow", script=script)) as base_url:
        config = CONFIG.format(base_url=base_url, **limits)
        async with Gateway(home.mktemp("home"), config) as gateway:
            asked = {"model": "auto", "messages": MESSAGES, "stream": stream}
            return await asyncio.to_thread(gateway.chat, asked)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_may_think_longer_than_it_may_pause(
    tmp_path_factory: pytest.TempPathFactory, *, stream: bool
):
    script = Script(reply="Well.", first_byte_delay_s=0.8)

    answer = await ask(
        tmp_path_factory, script, stream=stream, first_byte_s=60, between_chunks_s=0.4
    )

    assert answer.status == 200, answer.body
    assert b"Well." in answer.body


async def test_a_model_that_thinks_too_long_is_given_up(tmp_path_factory: pytest.TempPathFactory):
    script = Script(first_byte_delay_s=60)

    answer = await ask(
        tmp_path_factory, script, stream=False, first_byte_s=0.4, between_chunks_s=60
    )

    assert answer.status == 503
    assert "no answer within 0.4 s" in answer.json()["error"]["message"]


async def test_a_stream_that_falls_silent_ends_with_an_error(
    tmp_path_factory: pytest.TempPathFactory,
):
    script = Script(reply="One two three.", stall_after_chunks=3)

    answer = await ask(tmp_path_factory, script, stream=True, first_byte_s=60, between_chunks_s=0.4)

    assert answer.status == 200
    assert b"One" in answer.body
    assert b'data: {"error":' in answer.body
    assert b"[DONE]" not in answer.body
