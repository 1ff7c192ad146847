"""Prompts: kept for nobody who did not ask for it, and then without secrets."""

import json
from pathlib import Path

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers
from tests.support.private_prompts import SECRETS, Prompt, private

from pointsman.app import App
from pointsman.config import CacheSettings, PrincipalSettings, PromptSettings
from pointsman.providers.scripted import Script

KEY = "sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3"
KEEP = PromptSettings(store=True)
ASKED = f"why does {KEY} fail for jane.doe@acme.de?"


async def kept(gateway: Gateway, request_id: str) -> dict[str, object]:
    """What is kept of a request, once all is written."""
    await gateway.app.bookkeeping.prompts.close()
    found = await gateway.client.get(f"/v1/decisions/{request_id}/prompt")
    assert found.status_code == 200, found.text
    return found.json()


async def test_nothing_is_kept_by_default(gateway: Gateway) -> None:
    reply = await gateway.chat(ASKED)
    await gateway.app.bookkeeping.prompts.close()

    found = await gateway.client.get(f"/v1/decisions/{reply.headers['x-request-id']}/prompt")

    assert found.status_code == 404
    assert KEY not in found.text


@pytest.mark.parametrize("stream", [False, True])
async def test_what_was_asked_and_answered_without_what_nobody_may_see(
    start: StartGateway,
    stream: bool,  # noqa: FBT001
) -> None:
    gateway = await start(prompts=KEEP)
    gateway.tell("weak", Script(reply=f"Because {KEY} is revoked."))

    reply = await gateway.chat(ASKED, stream=stream)
    said = await kept(gateway, reply.headers["x-request-id"])

    assert said["turns"] == [{"role": "user", "text": "why does [api_key] fail for [email]"}]
    assert said["reply"] == "Because [api_key] is revoked."
    assert said["redacted"] == ["api_key", "email"]
    assert KEY not in json.dumps(said)
    assert stream or KEY in reply.text  # the client has it unchanged


async def test_an_organisation_says_for_itself(start: StartGateway) -> None:
    own = {"default": PrincipalSettings(prompts=PromptSettings(store=False))}
    gateway = await start(prompts=KEEP, organisations=own)

    reply = await gateway.chat("What is Python?")
    await gateway.app.bookkeeping.prompts.close()

    found = await gateway.client.get(f"/v1/decisions/{reply.headers['x-request-id']}/prompt")
    assert found.status_code == 404


async def test_a_reply_of_the_cache_is_kept_with_its_own_request(start: StartGateway) -> None:
    gateway = await start(prompts=KEEP, cache=CacheSettings())
    await gateway.chat("What is Python?")
    await gateway.app.bookkeeping.prompts.close()
    await gateway.app.caching.keeper.close()

    again = await gateway.chat("What is Python?")
    said = await kept(gateway, again.headers["x-request-id"])

    assert again.headers["x-pointsman-cache"].startswith("exact")
    assert said["reply"]


async def test_what_failed_is_kept_without_an_answer(start: StartGateway) -> None:
    gateway = await start(prompts=KEEP)
    for name in ("weak", "strong"):
        gateway.tell(name, *[Script(status=500)] * 20)

    reply = await gateway.chat("What is Python?")
    said = await kept(gateway, reply.headers["x-request-id"])

    assert reply.status_code >= 500
    assert said["reply"] is None
    assert said["turns"] == [{"role": "user", "text": "What is Python?"}]


async def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    """Whatever is asked and answered, in one piece and as a stream."""
    prompts = [prompt for prompt in private(200) if prompt.kind in SECRETS][:40]
    app = App(two_tiers(home=tmp_path, prompts=KEEP), environment={})
    await app.start()
    transport = httpx2.ASGITransport(app=app.asgi())
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        gateway = Gateway(app, client)
        for number, prompt in enumerate(prompts):
            for deployment in ("weak", "strong"):
                gateway.tell(deployment, Script(reply=f"You said: {prompt.text}"))
            assert (await gateway.chat(prompt.text, stream=number % 2 == 0)).status_code == 200
            await app.bookkeeping.prompts.close()
        listed = (await client.get("/v1/decisions?limit=100")).json()["data"]
        stored = [await client.get(f"/v1/decisions/{each['request_id']}/prompt") for each in listed]
    await app.close()

    assert {each.status_code for each in stored} == {200}
    assert leaks(prompts, tmp_path) == []


def leaks(prompts: list[Prompt], folder: Path) -> list[Prompt]:
    """Those of which a value is in some file, as it is or as JSON has it."""
    written = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    return [
        prompt
        for prompt in prompts
        for value in prompt.values
        if value.encode() in written or json.dumps(value)[1:-1].encode() in written
    ]
