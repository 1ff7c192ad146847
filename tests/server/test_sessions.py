"""Requests that belong together, calls that clients make on their own, and routes asked for."""

import asyncio
import json

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway, two_tiers

from pointsman.clock import ManualClock
from pointsman.config import ModelSettings, RoutingSettings
from pointsman.providers.scripted import Script

SIMPLE = "What is Python?"
COMPLEX = (
    "Design a distributed cache system for a social media platform that handles "
    "10 million requests per second with high availability"
)
SESSION = {"x-session-id": "ses_1"}
TOOL = {"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}
TITLE = "You are a title generator. You output ONLY a thread title. Nothing else.\nBe brief."


def served(reply) -> str:
    assert reply.status_code == 200
    return reply.headers["x-pointsman-model"]


async def test_a_session_rises_and_does_not_fall(gateway: Gateway) -> None:
    asked = [SIMPLE, COMPLEX, SIMPLE]

    replies = [await gateway.chat(text, headers=SESSION) for text in asked]
    other = await gateway.chat(SIMPLE, headers={"x-session-id": "ses_2"})

    assert [served(reply) for reply in replies] == ["weak", "strong", "strong"]
    assert "session in complex" in replies[2].headers["x-pointsman-reason"]
    assert served(other) == "weak"


async def test_it_is_forgotten_after_a_while(timed: Gateway, clock: ManualClock) -> None:
    await timed.chat(COMPLEX, headers=SESSION)
    clock.advance(599)
    stayed = await timed.chat(SIMPLE, headers=SESSION)
    clock.advance(601)
    forgotten = await timed.chat(SIMPLE, headers=SESSION)

    assert (served(stayed), served(forgotten)) == ("strong", "weak")


async def test_no_session_stays_where_the_operator_does_not_want_it(start: StartGateway) -> None:
    gateway = await start(routing=RoutingSettings(session_s=0))

    await gateway.chat(COMPLEX, headers=SESSION)

    assert served(await gateway.chat(SIMPLE, headers=SESSION)) == "weak"


async def test_what_is_asked_for_by_name_goes_there_and_moves_no_session(gateway: Gateway) -> None:
    await gateway.chat(SIMPLE, headers=SESSION)
    named = await gateway.chat(SIMPLE, model="strong", headers=SESSION)
    forced = await gateway.chat(SIMPLE, headers={**SESSION, "x-force-route": "complex"})
    after = await gateway.chat(SIMPLE, headers=SESSION)

    assert [served(reply) for reply in (named, forced, after)] == ["strong", "strong", "weak"]


async def test_a_conversation_without_a_name_is_known_by_its_beginning(gateway: Gateway) -> None:
    first = {"role": "user", "content": COMPLEX}
    said = [first, {"role": "assistant", "content": "So be it."}, {"role": "user", "content": "ok"}]

    began = await gateway.chat(messages=[first])
    went_on = await gateway.chat(messages=said)
    another = await gateway.chat(messages=[{"role": "user", "content": "ok"}])

    assert [served(reply) for reply in (began, went_on, another)] == ["strong", "strong", "weak"]


async def test_who_called_a_tool_gets_its_result(start: StartGateway) -> None:
    """Within a tier too: no other model can go on with another's calls and thoughts."""
    models = {name: ModelSettings(provider="scripted", model=name, tier="simple") for name in "abc"}
    gateway = await start(two_tiers(models=models))
    asked = {"role": "user", "content": "Read a.txt"}

    for turn in range(4):
        first = await gateway.chat(messages=[asked], tools=[TOOL], user=f"user {turn}")
        call = first.json()["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": "empty"}
        said = [asked, call, result]
        second = await gateway.chat(messages=said, tools=[TOOL], user=f"user {turn}")

        assert served(second) == served(first)


@pytest.mark.parametrize("header", ["x-session-id", "x-claude-code-session-id", "session-id"])
async def test_every_format_has_sessions(gateway: Gateway, header: str) -> None:
    named = {header: "ses_1"}

    await gateway.chat(COMPLEX, headers=named)
    replies = [
        await gateway.client.post(path, json=body, headers=named)
        for path, body in spoken(SIMPLE).items()
    ]

    assert {served(reply) for reply in replies} == {"strong"}


async def test_a_side_call_goes_to_the_lowest_tier_and_says_so(gateway: Gateway) -> None:
    said = [{"role": "system", "content": TITLE}, {"role": "user", "content": COMPLEX}]

    title = await gateway.chat(messages=said)
    ordinary = await gateway.chat(messages=said[1:])

    assert served(title) == "weak"
    assert title.headers["x-pointsman-reason"] == "side call (title) -> simple"
    assert served(ordinary) == "strong"
    assert "side call" not in ordinary.headers["x-pointsman-reason"]


async def test_a_side_call_does_not_lower_its_session(gateway: Gateway) -> None:
    said = [{"role": "system", "content": TITLE}, {"role": "user", "content": COMPLEX}]

    await gateway.chat(COMPLEX, headers=SESSION)
    title = await gateway.chat(messages=said, headers=SESSION)
    after = await gateway.chat(SIMPLE, headers=SESSION)

    assert (served(title), served(after)) == ("weak", "strong")


@pytest.mark.parametrize(
    "said",
    [
        [{"role": "user", "content": TITLE}],
        [{"role": "user", "content": f"Why does my prompt '{TITLE}' not work? {COMPLEX}"}],
        [
            {"role": "system", "content": "You are a poet who writes titles."},
            {"role": "user", "content": COMPLEX},
        ],
    ],
)
async def test_what_a_person_asks_is_no_side_call(
    gateway: Gateway, said: list[dict[str, object]]
) -> None:
    reply = await gateway.chat(messages=said)

    assert "side call" not in reply.headers["x-pointsman-reason"]


async def test_a_side_call_for_a_named_deployment_goes_there(gateway: Gateway) -> None:
    said = [{"role": "system", "content": TITLE}, {"role": "user", "content": "hi"}]

    reply = await gateway.chat(messages=said, model="strong")

    assert served(reply) == "strong"


def spoken(text: str, model: str = "auto") -> dict[str, dict[str, object]]:
    """A text in every format that asks a chat model, by path."""
    said = [{"role": "user", "content": text}]
    return {
        "/v1/chat/completions": {"model": model, "messages": said},
        "/v1/completions": {"model": model, "prompt": text},
        "/v1/responses": {"model": model, "input": text},
        "/v1/messages": {"model": model, "max_tokens": 50, "messages": said},
        "/api/chat": {"model": model, "messages": said, "stream": False},
        "/api/generate": {"model": model, "prompt": text, "stream": False},
    }


@pytest.mark.parametrize("path", spoken(""))
async def test_every_format_is_routed_and_can_be_forced(gateway: Gateway, path: str) -> None:
    async def ask(text: str, **headers: str) -> httpx2.Response:
        return await gateway.client.post(path, json=spoken(text)[path], headers=headers)

    assert served(await ask(SIMPLE)) == "weak"
    assert served(await ask(COMPLEX)) == "strong"
    for route, expected in (("cloud", "strong"), ("complex", "strong"), ("weak", "weak")):
        assert served(await ask(SIMPLE, **{"x-force-route": route})) == expected
    unknown = await ask(SIMPLE, **{"x-force-route": "nobody"})
    assert unknown.status_code == 404
    assert "nobody" in unknown.text


#: What clients ask for where nobody tells them what there is.
HARD_CODED = {
    "claude-*": "auto",
    "gpt-*": "auto",
    "*haiku*": "weak",
}


@pytest.mark.parametrize("path", spoken(""))
async def test_names_that_clients_hard_code(start: StartGateway, path: str) -> None:
    gateway = await start(aliases=HARD_CODED)
    names = {
        "claude-opus-5-5": "weak",
        "claude-sonnet-4-5-20250929": "weak",
        "gpt-4o-mini": "weak",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0": "weak",
    }

    for name, expected in names.items():
        reply = await gateway.client.post(path, json=spoken(SIMPLE, name)[path])

        assert served(reply) == expected
        assert reply.json()["model"] == "weak-model"
        assert (await gateway.record(reply))["model_asked"] == name


async def test_people_go_first(start: StartGateway) -> None:
    models = {"only": ModelSettings(provider="scripted", model="m", tier="simple", concurrency=1)}
    gateway = await start(two_tiers(models=models))
    only = gateway.tell("only", Script(stall_after_chunks=1))
    holding = asyncio.create_task(gateway.chat("first", stream=True))
    await until(lambda: only.log)
    background = asyncio.create_task(
        gateway.chat("in the background", headers={"x-pointsman-priority": "Background"})
    )
    await until(lambda: waiting(gateway) == 1)
    person = asyncio.create_task(gateway.chat("a person"))
    await until(lambda: waiting(gateway) == 2)

    holding.cancel()
    await asyncio.gather(holding, background, person, return_exceptions=True)

    asked = [json.loads(each.request)["messages"][0]["content"] for each in only.log]
    assert asked == ["first", "a person", "in the background"]


def waiting(gateway: Gateway) -> int:
    return gateway.app._composition.lines["only"].slots.waiting


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
