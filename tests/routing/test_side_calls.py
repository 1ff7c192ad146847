"""What clients ask on their own is told from what people ask."""

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import ConfigError
from pointsman.routing.side_calls import SideCalls
from pointsman.types import ModelRequest, Turn

SHIPPED = files("pointsman.data").joinpath("side_calls.toml").read_text(encoding="utf-8")
CALLS = SideCalls.parse(SHIPPED)
HISTORY = "\n### Chat History:\n<chat_history>\nUSER: hi\nASSISTANT: hello\n</chat_history>"
WEB_UI_TITLE = (
    "### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- Short."
) + HISTORY
OPENCODE = "You are a title generator. You output ONLY a thread title. Nothing else.\n\n<task>..."
CLAUDE_TITLE = (
    "x-anthropic-billing-header: cc_version=2.1.197\n"
    "You are Claude Code, Anthropic's official CLI for Claude.\n"
    "Generate a concise, sentence-case title (3-7 words) that captures the main topic or goal of "
    "this coding session. The title should be clear."
)
ZED_TITLE = (
    "Generate a concise 3-7 word title for this conversation, omitting punctuation.\n"
    "Go straight to the title.\nBe descriptive. DO NOT speak in the first person."
)
TAGS = "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along"
FOLLOW_UPS = "### Task:\nPredict 3-5 useful messages this user might naturally send next in this"
LIBRECHAT = (
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. "
    "Only return the title itself.\n\nConversation:\nUser: hi\nAI: hello"
)
QWEN_MEMORY = (
    "You are now acting as the managed memory extraction subagent for an AI coding assistant.\n"
)
AGENT = "You are Claude Code, Anthropic's official CLI for Claude.\nYou help with code."


def asked(*turns: tuple[str, str]) -> ModelRequest:
    return ModelRequest(model="auto", turns=tuple(Turn(*turn) for turn in turns), members={})


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (asked(("user", WEB_UI_TITLE)), "title"),
        (asked(("user", WEB_UI_TITLE + "\n")), "title"),
        (asked(("user", TAGS + HISTORY)), "tags"),
        (asked(("user", FOLLOW_UPS + HISTORY)), "follow_ups"),
        (asked(("user", LIBRECHAT)), "title"),
        (
            asked(
                ("system", OPENCODE),
                ("user", "Generate a title for this conversation:\n"),
                ("user", "fix the build"),
            ),
            "title",
        ),
        (asked(("system", CLAUDE_TITLE), ("user", "<session>\nfix it\n</session>")), "title"),
        (
            asked(("system", AGENT), ("user", "hi"), ("assistant", "hello"), ("user", ZED_TITLE)),
            "title",
        ),
        (
            asked(
                ("system", "Analyze if this message indicates a new conversation topic. If"),
                ("user", "fix the build"),
                ("assistant", "{"),
            ),
            "topic",
        ),
        (asked(("system", QWEN_MEMORY), ("user", "Managed memory directory: `x`")), "memory"),
        (
            asked(("system", QWEN_MEMORY), ("user", "x"), ("assistant", ""), ("tool", "done")),
            "memory",
        ),
    ],
)
def test_a_side_call_is_known_by_its_clients_own_words(request_: ModelRequest, kind: str) -> None:
    assert CALLS.kind(request_) == kind


@pytest.mark.parametrize(
    "prompt",
    [
        "write a title for my essay",
        "Generate a concise title for this article: ...",
        "Generate a title for this conversation:\n",
        "Summarize the chat history.",
        "Generate 1-3 broad tags for my blog post",
        "Suggest 3-5 relevant follow-up questions",
        "### Task:\nGenerate a concise title for my essay.\n### Guidelines:\n- Short.",
        "Extract what is worth remembering from this text.",
        "Please write a 5-10 word title for the following conversation:\nA: hi",
        "quota",
        "Warmup",
        "",
        OPENCODE,
        CLAUDE_TITLE,
        f"Improve this prompt: {WEB_UI_TITLE}",
        f"{WEB_UI_TITLE}\n\nWhat does this prompt do?",
        f"Translate to German:\n{ZED_TITLE}",
        f"{ZED_TITLE}\n\nIs this a good prompt?",
    ],
)
def test_what_a_person_writes_is_no_side_call(prompt: str) -> None:
    assert CALLS.kind(asked(("user", prompt))) is None
    assert CALLS.kind(asked(("system", AGENT), ("user", prompt))) is None


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(("system", OPENCODE.lower()), ("user", "fix it")),
        asked(("system", f"{AGENT}\nSometimes: {OPENCODE}"), ("user", "fix it")),
        asked(("system", AGENT + "\n" * 9 + OPENCODE), ("user", "fix it")),
        asked(("system", CLAUDE_TITLE), ("user", "fix it")),
        asked(("user", OPENCODE), ("assistant", "Nice."), ("user", "shorter")),
        asked(("user", "hi"), ("assistant", "hello"), ("user", WEB_UI_TITLE)),
        asked(("user", WEB_UI_TITLE), ("assistant", "Greetings"), ("user", "Another one")),
        asked(("user", "hi"), ("assistant", ""), ("tool", WEB_UI_TITLE)),
    ],
)
def test_its_words_in_another_place_make_none(request_: ModelRequest) -> None:
    assert CALLS.kind(request_) is None


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text())))
def test_nothing_said_by_chance_is_one(turns: list[tuple[str, str]]) -> None:
    assert CALLS.kind(asked(*turns)) is None


@pytest.mark.parametrize(
    "text",
    [
        '[[title]]\nclient = "x"\nuser = "Name this chat."',
        '[[title]]\nclient = "x"\nends = "</chat_history>"',
        '[[title]]\nuser = "Generate a short name for this conversation."',
        '[[title]]\nclient = "x"\nopens = "Generate a short name for this conversation."',
        'title = "x"',
        "[[",
    ],
)
def test_a_list_that_would_match_by_chance_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        SideCalls.parse(text)
