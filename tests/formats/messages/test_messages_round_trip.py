"""What is written in the Messages format can be read again."""

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.formats.messages.dialogue import HI, NOTES, SERVER, UPSTREAM, decoded, said

from pointsman.conversation import (
    Addressee,
    Conversation,
    File,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from pointsman.types import Json

words = st.text(min_size=1, max_size=8).filter(str.strip)
ids = st.from_regex(r"toolu_[a-z0-9]{4}", fullmatch=True)
hints = st.none() | st.just({"type": "ephemeral"})
schemas = st.dictionaries(words, words, min_size=1, max_size=2)
objects = st.dictionaries(words, st.integers() | words, max_size=2)
plain = st.builds(Text, words, hints)
pictures = st.just(Image(media_type="image/png", data="iVBO")) | words.map(lambda u: Image(url=u))
files = st.sampled_from(
    [
        File("Notes", "text/plain", NOTES),
        File(None, "application/pdf", "JVBE"),
        File(url="https://x"),
    ]
)
#: Anthropic's signatures are base64; a colon would mark another provider's.
proofs = st.from_regex(r"[A-Za-z0-9+/]{1,8}", fullmatch=True)
thoughts = st.builds(Thinking, words, proofs) | st.builds(
    Thinking, st.just(""), proofs, redacted=st.just(True)
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Message]:
    """A user's words, an answer and the results of the calls in it."""
    call_ids = draw(st.lists(ids, max_size=2, unique=True))
    calls = [
        ToolCall(
            each, draw(words), json.dumps(draw(objects), separators=(",", ":"), ensure_ascii=False)
        )
        for each in call_ids
    ]
    results = [
        ToolResult(
            call.id,
            tuple(draw(st.lists(plain | pictures, max_size=2))),
            draw(st.booleans()),
            call.name,
        )
        for call in calls
    ]
    parts = draw(st.lists(plain | thoughts, min_size=1, max_size=3))
    messages = [Message("assistant", (*parts, *calls))]
    if results:
        messages.append(Message("tool", tuple(results)))
    return [*messages, Message("user", tuple(draw(st.lists(plain | pictures | files, min_size=1))))]


conversations = st.builds(
    Conversation,
    messages=st.lists(rounds(), max_size=2).map(
        lambda rounds: (
            Message("system", (Text("Be brief."),)),
            HI,
            *(m for r in rounds for m in r),
        )
    ),
    tools=st.lists(
        st.builds(Tool, words, st.none() | words, schemas, st.none() | st.booleans(), hints),
        min_size=1,
        max_size=2,
    ).map(tuple),
    tool_choice=st.sampled_from(
        [
            ToolChoice("auto"),
            ToolChoice("none"),
            ToolChoice("required"),
            ToolChoice("required", ("f",)),
        ]
    ),
    output=st.none() | st.builds(OutputFormat, st.just("json_schema"), schema=schemas),
    sampling=st.builds(
        Sampling,
        max_tokens=st.integers(2048, 9999),
        temperature=st.none() | st.floats(0, 0.9),
        top_p=st.none() | st.floats(0, 0.9),
        top_k=st.none() | st.integers(0, 99),
        stop=st.lists(words, max_size=2).map(tuple),
    ),
    reasoning=st.sampled_from(
        [
            None,
            Reasoning("none"),
            Reasoning(budget_tokens=1024),
            Reasoning(budget_tokens=2000, visible=True),
        ]
    ),
    stream=st.booleans(),
    user=st.none() | words,
)


@given(conversations)
def test_what_is_encoded_can_be_decoded(conversation: Conversation) -> None:
    sent = UPSTREAM.encode(conversation, Addressee(SERVER))

    assert decoded(sent.body) == conversation
    assert sent.left_out == ()


def test_thinking_comes_back_to_who_signed_it() -> None:
    thoughts: Json = [
        {"type": "thinking", "thinking": "", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "b3Bh"},
        {"type": "text", "text": "Hello."},
    ]
    answer = UPSTREAM.read(json.dumps({"content": thoughts}).encode(), 0).choices[0].parts

    assert said(HI, Message("assistant", answer), HI)[1]["content"] == thoughts


def test_words_of_refusal_are_words() -> None:
    assert said(HI, Message("assistant", (Refusal("No."),)), HI)[1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "No."}],
    }
