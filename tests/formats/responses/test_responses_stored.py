"""Going on from earlier responses, which somebody else keeps."""

import json

from pointsman.formats.responses import stored
from pointsman.formats.responses.stored import Named

SAID = {
    "id": "msg_0f1e_0",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
}
REPLY = json.dumps({"id": "resp_0f1e", "object": "response", "output": [SAID]}).encode()
HI = {"type": "message", "role": "user", "content": "hi"}


def raw(**members: object) -> dict[str, bytes]:
    return {name: json.dumps(value).encode() for name, value in members.items()}


def test_a_request_goes_on_from_what_was_stored() -> None:
    kept = stored.stored(raw(input="hi", instructions="Be brief."), REPLY)
    body = {"model": "auto", "previous_response_id": "resp_0f1e", "input": "More.", "top_p": 0.1}

    assert stored.named(raw(**body)) == Named("resp_0f1e")
    whole = stored.continued(json.dumps(body).encode(), kept)

    more = {"type": "message", "role": "user", "content": "More."}
    assert json.loads(whole) == {"model": "auto", "input": [HI, SAID, more], "top_p": 0.1}


def test_it_may_do_so_without_saying_anything_itself() -> None:
    kept = stored.stored(raw(input=[HI]), REPLY)
    whole = stored.continued(b'{"model": "auto", "previous_response_id": "resp_0f1e"}', kept)

    assert json.loads(whole)["input"] == [HI, SAID]


def test_references_are_replaced_by_what_they_refer_to() -> None:
    """The AI SDK refers to everything but calls, unless it is told `store: false`."""
    own = {"type": "message", "role": "user", "content": "own"}
    items = [own, {"type": "item_reference", "id": "msg_0f1e_0"}, {"id": "msg_other"}]
    kept = stored.stored(raw(input=[HI, {**HI, "id": ["odd"]}]), REPLY)

    references = stored.named(raw(input=items)).items
    assert references == ("msg_0f1e_0", "msg_other")
    assert [stored.response_of(each) for each in references] == ["resp_0f1e", None]
    whole = stored.resolved(json.dumps({"model": "auto", "input": items}).encode(), [kept])
    assert json.loads(whole)["input"] == [own, SAID, {"id": "msg_other"}]


def test_a_stream_that_ends_well_ends_with_the_response_that_is_to_be_stored() -> None:
    def ending(kind: str) -> bytes:
        data = json.dumps({"type": kind, "response": json.loads(REPLY)})
        return f"event: {kind}\ndata: {data}\n\n".encode()

    first, last = ending("response.created"), ending("response.incomplete")
    assert stored.ended(first + last) == REPLY
    assert stored.ended(ending("response.failed")) is None
    assert stored.ended(b"data: [DONE]\n\n") is None
    assert stored.ended(b"") is None
