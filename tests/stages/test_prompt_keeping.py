"""What is kept of a conversation, and what happens where it can't be."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pointsman.errors import LedgerUnavailable, UpstreamBroken, UpstreamError
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.routing.privacy import Detector
from pointsman.stages.prompt_keeping import MOST_BYTES, UNFINISHED, PromptKeeping
from pointsman.types import EVERYWHERE, Call, Entry, Outcome, Principal, Scope, StoredPrompt

KEY = "sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3"
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


class Prompts:
    """Keeps prompts in a list."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[StoredPrompt] = []
        self.error = error

    async def keep_prompt(self, prompt: StoredPrompt) -> None:
        if self.error is not None:
            raise self.error
        self.kept.append(prompt)

    async def prompt(self, request_id: str, scope: Scope = EVERYWHERE) -> StoredPrompt | None:
        raise NotImplementedError

    async def forget_prompts(
        self, *, organisation: str | None = None, before: datetime | None = None
    ) -> int:
        raise NotImplementedError


class Faults:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def settled(self, entry: Entry) -> None:
        raise NotImplementedError

    def fault(self, stage: str, error: BaseException) -> None:
        self.told.append(f"{stage}: {error}")


class Ear:
    """The tap that was there before."""

    wanted = False

    def __init__(self) -> None:
        self.heard: list[object] = []

    def piece(self, data: bytes) -> None:
        self.heard.append(data)

    def left(self) -> None:
        self.heard.append("left")

    def ended(self, outcome: Outcome, ending: bytes, error: UpstreamError | None) -> None:
        self.heard.append((outcome, ending, error))


def asked(text: str = "What is Python?", *, stream: bool = True, organisation: str = "us") -> Call:
    body = chat_body("auto", text, {"stream": stream})
    return Call(
        request_id="req_1",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        principal=Principal(organisation, "key"),
        request=parse_chat(body),
    )


async def kept(
    pieces: Sequence[bytes], outcome: Outcome = "completed", call: Call | None = None
) -> tuple[list[StoredPrompt], list[str]]:
    store, faults = Prompts(), Faults()
    keeping = PromptKeeping(store, Detector("personal").places, faults, everybody=True)
    tap = keeping.tap(call or asked(), Ear())
    for piece in pieces:
        tap.piece(piece)
    tap.ended(outcome, b"data: [DONE]\n\n" if outcome == "completed" else b"", None)
    await keeping.close()
    return store.kept, faults.told


def test_nobody_is_heard_who_did_not_ask_for_it() -> None:
    ear = Ear()
    own = {"us": False, "them": True}

    assert PromptKeeping(Prompts(), lambda _: (), Faults()).tap(asked(), ear) is ear
    keeping = PromptKeeping(Prompts(), lambda _: (), Faults(), everybody=True, organisations=own)
    assert keeping.tap(asked(), ear) is ear
    assert keeping.keeps("them")
    assert keeping.keeps("anybody")


async def test_the_other_tap_hears_all_of_it() -> None:
    ear = Ear()
    keeping = PromptKeeping(Prompts(), lambda _: (), Faults(), everybody=True)
    tap = keeping.tap(asked(), ear)
    broken = UpstreamBroken("it broke")

    tap.piece(b"1")
    tap.left()
    tap.ended("failed", b"", broken)
    await keeping.close()

    assert tap.wanted is False
    assert ear.heard == [b"1", "left", ("failed", b"", broken)]


async def test_a_secret_that_comes_in_two_chunks_is_one() -> None:
    [prompt], faults = await kept([CHUNK % KEY[:20].encode(), CHUNK % KEY[20:].encode(), END])

    assert prompt.reply == "[api_key]"
    assert prompt.redacted == ("api_key",)
    assert faults == []


@pytest.mark.parametrize("outcome", ["client_left", "interrupted", "failed"])
@pytest.mark.parametrize("length", range(4, len(KEY), 4))
async def test_a_reply_that_was_cut_off_ends_before_half_a_secret(
    outcome: Outcome, length: int
) -> None:
    said = "well " * 40 + KEY[:length]

    [prompt], _ = await kept([CHUNK % said.encode()], outcome)

    assert prompt.reply is not None
    assert prompt.reply.startswith("well well")
    assert prompt.reply.endswith(" [...]")
    assert KEY[:4] not in prompt.reply
    assert len(prompt.reply) < len(said) - UNFINISHED + 10


async def test_a_reply_without_an_end_that_is_short_leaves_nothing() -> None:
    [prompt], _ = await kept([CHUNK % b"I was about to"], "client_left")

    assert prompt.reply == "[...]"


async def test_an_overlong_reply_is_not_kept_and_its_prompt_is() -> None:
    [prompt], _ = await kept([CHUNK % (b"x" * MOST_BYTES), END])

    assert prompt.reply is None
    assert "What is Python?" in prompt.prompt


async def test_an_overlong_prompt_is_not_kept() -> None:
    prompts, faults = await kept([END], call=asked("x" * (MOST_BYTES + 1)))

    assert (prompts, faults) == ([], [])


async def test_what_cant_be_read_is_reported_and_the_prompt_kept() -> None:
    [prompt], [fault] = await kept([b"data: {broken\n\n"])

    assert prompt.reply is None
    assert fault.startswith("prompts: ")


async def test_a_store_that_fails_harms_nobody() -> None:
    faults = Faults()
    store = Prompts(LedgerUnavailable("the disk is full"))
    keeping = PromptKeeping(store, lambda _: (), faults, everybody=True)

    keeping.unanswered(asked())
    await keeping.close()

    assert faults.told == ["prompts: the disk is full"]


async def test_what_comes_on_top_of_too_many_is_not_kept() -> None:
    faults, store = Faults(), Prompts()
    keeping = PromptKeeping(store, lambda _: (), faults, everybody=True)

    for _ in range(300):
        keeping.unanswered(asked())
    await keeping.close()

    assert len(store.kept) == 256
    assert len(faults.told) == 44


async def test_a_long_conversation_is_redacted_beside_the_loop() -> None:
    [prompt], _ = await kept([CHUNK % b"Yes.", END], call=asked(f"{'word ' * 20_000} {KEY}"))

    assert prompt.prompt.endswith('[api_key]"}]')
    assert prompt.reply == "Yes."
