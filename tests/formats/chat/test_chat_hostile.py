"""Whatever is sent is a request or a 400; whatever an upstream sends is a reply or broken."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pointsman.conversation import Addressee
from pointsman.errors import BadRequest, UpstreamBroken
from pointsman.formats.chat.format import ChatClient, ChatUpstream
from pointsman.formats.sse import Splitter, event

CLIENT = ChatClient()
UPSTREAM = ChatUpstream()

REQUEST_KEYS = [
    "type",
    "function",
    "name",
    "text",
    "image_url",
    "url",
    "file",
    "file_data",
    "input_audio",
    "data",
    "format",
    "id",
    "arguments",
    "mode",
    "tools",
    "allowed_tools",
    "effort",
    "max_tokens",
    "enabled",
    "exclude",
    "strict",
    "schema",
    "json_schema",
    "signature",
]
REQUEST_MEMBERS = [
    "tools",
    "functions",
    "function_call",
    "tool_choice",
    "response_format",
    "reasoning",
    "thinking",
    "stop",
    "n",
    "logit_bias",
    "modalities",
    "user",
    "verbosity",
    "reasoning_effort",
    "top_k",
    "seed",
    "include_reasoning",
    "logprobs",
]
MESSAGE_MEMBERS = [
    "name",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "reasoning_content",
    "reasoning_details",
    "reasoning",
    "cache_control",
    "audio",
]
REPLY_KEYS = [
    "content",
    "index",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "type",
    "text",
    "data",
    "signature",
    "extra_content",
    "google",
    "thought_signature",
    "prompt_tokens",
    "completion_tokens",
    "thinking",
]
SPOKEN = [
    "content",
    "tool_calls",
    "function_call",
    "refusal",
    "reasoning_details",
    "reasoning",
    "reasoning_content",
]


def anything(keys: list[str]) -> st.SearchStrategy[object]:
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
    kinds = st.sampled_from(["function", "text", "image_url", "file", "auto", "reasoning.text"])
    return st.recursive(
        leaves | kinds,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4)
        ),
        max_leaves=10,
    )


asked = anything(REQUEST_KEYS)
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "tool", "function", "system"]),
        "content": st.text(max_size=4) | asked,
    },
    optional=dict.fromkeys(MESSAGE_MEMBERS, asked),
)
said = anything(REPLY_KEYS)
spoken = st.dictionaries(st.sampled_from(SPOKEN), said, max_size=3)
choices = st.fixed_dictionaries(
    {},
    optional={
        "message": spoken,
        "delta": spoken,
        **dict.fromkeys(["index", "finish_reason", "logprobs", "stop_reason", "text"], said),
    },
)


@given(
    st.lists(messages, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(REQUEST_MEMBERS), asked, max_size=2),
)
def test_a_request_is_understood_or_refused(
    sent: list[dict[str, object]], members: dict[str, object]
) -> None:
    body = json.dumps({"model": "auto", "messages": sent, **members}).encode()

    with suppress(BadRequest):
        UPSTREAM.encode(CLIENT.conversation(CLIENT.parse(body)), Addressee("m"))


@given(
    st.lists(choices, max_size=2),
    st.dictionaries(st.sampled_from(["id", "model", "usage", "object"]), said, max_size=2),
)
def test_a_reply_is_understood_or_broken(
    answered: list[dict[str, object]], members: dict[str, object]
) -> None:
    body = json.dumps({"choices": answered, **members}).encode()
    chunk = next(Splitter().feed(event(body)))

    for take in (
        lambda: UPSTREAM.look(body, 1),
        lambda: UPSTREAM.read(body, 1),
        lambda: UPSTREAM.reader(1, keep_usage=False).follow(chunk),
        lambda: UPSTREAM.reader(1, keep_usage=False).read(chunk),
    ):
        with suppress(UpstreamBroken):
            take()
    UPSTREAM.fault(body)
