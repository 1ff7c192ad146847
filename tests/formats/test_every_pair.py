"""Whatever two formats can both say comes from the one to the other unharmed, and back."""

import itertools
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.formats import relay
from tests.formats.conversations import WORDS, conversations, meaning, replies, texts
from tests.formats.matrix.cells import holds
from tests.formats.matrix.features import SHORTEST, UPSTREAMS
from tests.formats.matrix.replies import PROOF, reply_features
from tests.formats.relay import UPSTREAM_FORMATS, WRITTEN

from pointsman.conversation import (
    Addressee,
    Choice,
    ModelReply,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from pointsman.formats.registry import CLIENTS
from pointsman.formats.responses.output import DECLINED
from pointsman.types import FormatName, Json, Usage

PAIRS = list(itertools.permutations(WORDS, 2))
#: Formats whose clients hand proofs back, and those whose upstreams give some.
KEEPERS: tuple[FormatName, ...] = ("chat", "responses", "messages")
PROVERS = {
    each.format: each
    for each in UPSTREAMS
    if each.name in {"responses", "messages-claude", "gemini"}
}
PROVEN: dict[str, Json] = {
    "responses": {"input": [{"type": "reasoning", "encrypted_content": PROOF}]},
    "messages": {"messages": [{"content": [{"type": "thinking", "signature": PROOF}]}]},
    "gemini": {"contents": [{"parts": [{"thoughtSignature": PROOF}]}]},
}
PROVEN_ANSWER = next(each for each in reply_features() if each.name == "thinking with its proof")
sizes = st.lists(st.integers(1, 90), max_size=40)


@pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=map("-".join, PAIRS))
@settings(max_examples=settings().max_examples // 2)  # there are many pairs
@given(data=st.data())
def test_a_request_keeps_its_meaning(
    client: FormatName, upstream: FormatName, data: st.DataObject
) -> None:
    told = data.draw(conversations(WORDS[client] & WORDS[upstream]))
    asked = relay.upstream(client).encode(told, Addressee("auto")).body

    sent = relay.speech(upstream).outbound(CLIENTS[client].parse(asked)).body

    got = CLIENTS[upstream].conversation(CLIENTS[upstream].parse(sent))
    assert meaning(got) == meaning(told)


@pytest.mark.parametrize("upstream", UPSTREAM_FORMATS)
@given(reply=replies(), sizes=sizes)
def test_a_reply_keeps_its_meaning_streamed_or_not_wherever_it_is_cut(
    upstream: FormatName, reply: ModelReply, sizes: list[int]
) -> None:
    answer, stream = relay.answer(upstream, reply), relay.stream(upstream, reply)
    given = relay.read_whole(upstream, answer)

    for client in WRITTEN:
        whole = relay.read_whole(client, relay.whole(client, upstream, answer))
        streamed = relay.streamed(client, upstream, cut(stream, sizes))
        assert whole == (given if client == upstream else heard(client, given)), client
        assert streamed == relay.streamed(client, upstream, [stream]), client
        assert relay.read_stream(client, cut(streamed, sizes)) == whole, client


@pytest.mark.parametrize("client", KEEPERS)
@pytest.mark.parametrize("prover", PROVERS)
def test_a_proof_comes_back_to_who_gave_it_and_to_nobody_else(
    client: FormatName, prover: FormatName
) -> None:
    answer = relay.whole(client, prover, PROVEN_ANSWER.body(prover))
    request = CLIENTS[client].parse(json.dumps(goes_on(client, json.loads(answer))).encode())

    for name, upstream in PROVERS.items():
        outbound = upstream.speech().outbound(request)
        if name == prover:
            assert holds(json.loads(outbound.body), PROVEN[name]), name
        else:
            assert PROOF not in outbound.body.decode(), name
            assert outbound.left_out, name


def test_words_of_refusal_beside_a_call_are_kept() -> None:
    told = {
        "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {}}],
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": None, "explanation": "No."},
    }

    for client in WRITTEN:
        answer = relay.read_whole(
            client, relay.whole(client, "messages", json.dumps(told).encode())
        )
        parts = answer.choices[0].parts

        assert "".join(texts(parts)) == "No.", client
        assert client == "completions" or ToolCall("c1", "weather", "{}") in parts, client


def goes_on(client: FormatName, answer: dict[str, Json]) -> dict[str, Json]:
    """A client's next request: it hands the answer back as it came."""
    said: list[Json] = [{"role": "user", "content": "Hi"}]
    more: list[Json] = [{"role": "user", "content": "Go on"}]
    match client, answer:
        case "chat", {"choices": [{"message": dict(message)}]}:
            said.append(message)
        case "messages", {"content": list(content)}:
            said.append({"role": "assistant", "content": content})
        case "responses", {"output": list(output)}:
            return SHORTEST[client] | {"input": [*said, *output, *more]}
    return SHORTEST[client] | {"messages": [*said, *more]}


def heard(client: FormatName, given: ModelReply) -> ModelReply:
    """What of an upstream's reply a client's format has words for."""
    (choice,) = given.choices
    parts, finish, usage = choice.parts, choice.finish, given.usage
    said = "".join(texts(parts))
    if client == "completions":
        parts = (Text(said),) if said else ()
        finish = finish if finish in {"length", "content_filter"} else "stop"
    elif client == "responses":
        if finish == "refusal":
            called = any(isinstance(part, ToolCall) for part in parts)
            parts, finish = (*parts, Refusal(DECLINED)), "tool_calls" if called else finish
        parts = tuple(_resealed(part) for part in parts)
    elif client == "messages":
        finish = "refusal" if finish == "content_filter" else finish
    elif client == "chat":
        finish = "content_filter" if finish == "refusal" else finish
    else:
        called = any(isinstance(part, ToolCall) for part in parts)
        parts = tuple(replace(p, signature=None) if isinstance(p, Thinking) else p for p in parts)
        finish = "length" if finish == "length" else "tool_calls" if called else "stop"
        usage = Usage(usage.input_tokens, usage.output_tokens)
    return ModelReply("m", (Choice(parts, finish),), usage)


def _resealed(part: Part) -> Part:
    """Thinking as an upstream would say it that had written what we wrote."""
    if not isinstance(part, Thinking):
        return part
    return replace(part, signature=f"responses:pointsman:thinking:{part.signature or ''}")


def cut(stream: bytes, sizes: Sequence[int]) -> list[bytes]:
    ends = list(itertools.accumulate(sizes, initial=0))
    return [stream[a:b] for a, b in itertools.pairwise([*ends, len(stream)])]
