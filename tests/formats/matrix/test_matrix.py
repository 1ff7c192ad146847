"""No request and no reply loses anything without a word: every cell of the matrix, tried."""

import json

import pytest
from tests.formats import relay
from tests.formats.matrix.cells import Cell, cells, holds, tried
from tests.formats.matrix.features import SHORTEST, UPSTREAMS, Feature, Upstream, features
from tests.formats.matrix.replies import ReplyFeature, heard, reply_features
from tests.formats.relay import WRITTEN
from tests.support.gemini_upstream import SKIP_SIGNATURE, check

from pointsman.errors import Inexpressible
from pointsman.formats.registry import CLIENTS
from pointsman.types import FormatName, Json


def fates(feature: Feature, client: FormatName, upstream: Upstream) -> set[str]:
    """What may become of a feature, by what the data say of it."""
    if client in upstream.takes:
        return {"passes through"}
    if feature.words(upstream) is not None:
        return {"translated"}
    return {"left out", "refused with"} if feature.hint else {"refused with"}


@pytest.mark.parametrize("feature", features(), ids=lambda each: each.name)
def test_a_feature_is_said_refused_or_left_out_by_name(feature: Feature) -> None:
    wrong = {
        (client, upstream.name): cell
        for upstream in UPSTREAMS
        for client in feature.says
        if (cell := tried(feature, client, upstream)).fate not in fates(feature, client, upstream)
    }

    assert wrong == {}


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda each: each.name)
def test_what_is_refused_goes_out_without_it_where_the_configuration_says_so(
    upstream: Upstream,
) -> None:
    stuck = {}
    for feature, client, to, cell in cells():
        if to is upstream and cell.fate == "refused with":
            drop, after = opened(feature, client, upstream, cell)
            if not drop or not drop <= set(after.left_out):
                stuck[feature.name, client] = after

    assert stuck == {}


def opened(
    feature: Feature, client: FormatName, upstream: Upstream, cell: Cell
) -> tuple[set[str], Cell]:
    """What must be dropped until nothing is refused, and what becomes of the feature then."""
    drop: set[str] = set()
    while cell.fate == "refused with" and cell.param is not None and cell.param not in drop:
        drop.add(cell.param)
        cell = tried(feature, client, upstream, frozenset(drop))
    return drop, cell


def test_a_refusal_is_a_gate_in_the_same_words() -> None:
    for feature, client, upstream, cell in cells():
        request = CLIENTS[client].parse(feature.body(client))

        assert upstream.speech().objection(request) == (cell.words or None)


def test_a_refusal_names_what_it_refuses_and_who_can_not_say_it() -> None:
    wordless = [
        (feature.name, client, upstream.name, cell.words)
        for feature, client, upstream, cell in cells()
        if cell.fate == "refused with"
        and not (cell.param and " can't be said in the " in cell.words)
    ]

    assert wordless == []


def test_google_takes_what_is_written_for_it() -> None:
    for feature, client, upstream, cell in cells():
        if upstream.format == "gemini" and cell.fate in {"translated", "left out"}:
            request = CLIENTS[client].parse(feature.body(client))
            body = upstream.speech().outbound(request).body
            check(json.loads(body.replace(b"CiQB", SKIP_SIGNATURE.encode())), upstream.model)


@pytest.mark.parametrize("name", ["completions", "ollama_generate"])
def test_prompts_without_turns_are_for_those_who_speak_of_them(name: FormatName) -> None:
    speech = relay.speech(name)

    for client, shortest in SHORTEST.items():
        request = CLIENTS[client].parse(json.dumps(shortest).encode())
        if client == name:
            assert json.loads(speech.outbound(request).body) == shortest | {"model": "m"}
        else:
            with pytest.raises(Inexpressible):
                speech.outbound(request)


@pytest.mark.parametrize("feature", reply_features(), ids=lambda each: each.name)
def test_a_reply_says_what_its_client_has_words_for(feature: ReplyFeature) -> None:
    lost = [
        (upstream, client)
        for upstream in feature.says
        for client in WRITTEN
        if heard(feature, upstream, client) == "LOST"
    ]

    assert lost == []


@pytest.mark.parametrize("feature", reply_features(), ids=lambda each: each.name)
def test_a_streamed_reply_says_the_same(feature: ReplyFeature) -> None:
    for upstream in feature.says:
        reply = relay.read_whole(upstream, feature.body(upstream))
        answer, stream = relay.answer(upstream, reply), relay.stream(upstream, reply)
        for client in WRITTEN:
            whole = relay.read_whole(client, relay.whole(client, upstream, answer))
            streamed = relay.streamed(client, upstream, [stream])
            assert relay.read_stream(client, [streamed]) == whole, (upstream, client)


@pytest.mark.parametrize(
    ("value", "part", "found"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2, 3], [1, 3], True),
        ([1, 2, 3], [3, 1], False),
        ([{"a": 1, "b": 2}], [{"b": 2}], True),
        ([1], [1, 1], False),
        (1, True, False),
        ({"a": None}, {}, True),
        ("ab", "a", False),
    ],
)
def test_a_part_is_found_in_what_holds_it(value: Json, part: Json, found: bool) -> None:  # noqa: FBT001
    assert holds(value, part) is found
