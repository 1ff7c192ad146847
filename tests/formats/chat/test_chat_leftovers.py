"""What of a chat request has no place in the canonical form, and is named."""

import pytest
from tests.formats.chat.asking import HELLO, decode

from pointsman.conversation import Sampling
from pointsman.errors import BadRequest


def test_bookkeeping_is_told_from_what_matters() -> None:
    conversation = decode(
        metadata={"a": "b"},
        store=True,
        service_tier="auto",
        prompt_cache_key="s",
        safety_identifier="u",
        prediction={"type": "content", "content": "x"},
        modalities=["text"],
        audio={"voice": "alloy"},
        verbosity="medium",
        logit_bias={},
        web_search_options={},
        chat_template_kwargs={"enable_thinking": False},
        unheard_of=0,
        also_unheard_of=None,
        reasoning_effort="enormous",
    )

    assert sorted(conversation.advisory) == [
        "audio",
        "metadata",
        "modalities",
        "prediction",
        "prompt_cache_key",
        "safety_identifier",
        "service_tier",
        "store",
        "unheard_of",
    ]
    assert sorted(conversation.foreign) == [
        "chat_template_kwargs",
        "reasoning_effort",
        "web_search_options",
    ]


PICTURE = {"type": "image_url"}
NEW_PICTURE = {"url": "https://x/a.png", "new": 1}
SOUND = {"type": "input_audio"}
NEW_SOUND = {"data": "AAAA", "format": "wav", "new": 1}
NEW_FILE = {"file_id": "f", "new": 1}


@pytest.mark.parametrize(
    ("members", "foreign"),
    [
        ({"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}, {"modalities", "audio"}),
        ({"verbosity": "florid"}, {"verbosity"}),
        (
            {"messages": [*HELLO, {"role": "assistant", "audio": {"id": "a"}}]},
            {"messages[].audio"},
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "content": "So", "prefix": True}]},
            {"messages[].prefix"},
        ),
        ({"response_format": {"type": "grammar"}}, {"response_format"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "new": 1}}},
            {"response_format.json_schema.new"},
        ),
        ({"response_format": {"type": "text", "new": 1}}, {"response_format.new"}),
        ({"reasoning": {"effort": "low", "new": 1}}, {"reasoning.new"}),
        ({"thinking": {"type": "enabled", "new": 1}}, {"thinking.new"}),
        ({"thinking": {"type": "deep"}}, {"thinking"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f", "new": 1}}},
            {"tool_choice.new"},
        ),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, {"tool_choice"}),
        (
            {"messages": [{"role": "user", "content": [{**PICTURE, "image_url": NEW_PICTURE}]}]},
            {"messages[].content[].image_url.new"},
        ),
        (
            {"messages": [{"role": "user", "content": [{**SOUND, "input_audio": NEW_SOUND}]}]},
            {"messages[].content[].input_audio.new"},
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": NEW_FILE}]}]},
            {"messages[].content[].file.new"},
        ),
    ],
)
def test_what_changes_the_answer_is_foreign(members: dict[str, object], foreign: set[str]) -> None:
    assert set(decode(**members).foreign) == foreign


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"opencode_session": "x"}, "opencode_session"),
        ({"stream_options": {"new": 1}}, "stream_options.new"),
        ({"messages": [{"role": "user", "content": "x", "id": 1}]}, "messages[].id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "id": 1}]}]},
            "messages[].content[].id",
        ),
        ({"tools": [{"type": "function", "function": {"name": "f", "id": 1}}]}, "tools[].id"),
    ],
)
def test_what_a_client_puts_there_of_its_own_is_left_out_by_name(
    members: dict[str, object], name: str
) -> None:
    conversation = decode(**members)

    assert (conversation.advisory, conversation.foreign) == ((name,), ())


def test_echoes_of_a_reply_do_not_matter() -> None:
    turn = {"role": "assistant", "content": "Hi", "provider_specific_fields": {}, "audio_id": "a"}
    conversation = decode(messages=[*HELLO, turn])

    assert conversation.foreign == ()
    assert sorted(conversation.advisory) == [
        "messages[].audio_id",
        "messages[].provider_specific_fields",
    ]


def test_what_comes_with_a_call_is_an_echo_of_the_reply_it_was_in() -> None:
    function = {"name": "f", "arguments": "{}", "new": 1}
    call = {"index": 0, "id": "c", "type": "function", "function": function, "newer": 1}

    conversation = decode(messages=[*HELLO, {"role": "assistant", "tool_calls": [call]}])

    assert conversation.foreign == ()
    assert sorted(conversation.advisory) == [
        "messages[].tool_calls[].new",
        "messages[].tool_calls[].newer",
    ]


def test_rivals_of_tokens_say_nothing_without_the_tokens() -> None:
    conversation = decode(top_logprobs=3)

    assert conversation.sampling == Sampling()
    assert conversation.advisory == ("top_logprobs",)
    assert decode(top_logprobs=3, logprobs=True).sampling == Sampling(logprobs=True, top_logprobs=3)


@pytest.mark.parametrize("verbosity", ["low", "medium", "high"])
def test_how_much_to_say_has_its_place(verbosity: str) -> None:
    conversation = decode(verbosity=verbosity)

    assert (conversation.verbosity, conversation.foreign) == (verbosity, ())


def test_a_file_must_be_there() -> None:
    file = {"type": "file", "file": {"filename": "a.pdf"}}

    with pytest.raises(BadRequest) as refused:
        decode(messages=[{"role": "user", "content": [file]}])
    assert refused.value.param == "messages[0].content[0].file"
