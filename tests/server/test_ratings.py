"""What users say of replies."""

import pytest
from tests.gateway import Gateway


async def test_feedback_is_stored_with_its_entry(gateway: Gateway) -> None:
    reply = await gateway.chat()
    said = {"request_id": reply.headers["x-request-id"], "rating": -0.5, "comment": "too short"}

    stored = await gateway.client.post("/v1/feedback", json=said)

    assert stored.status_code == 201
    assert stored.json() == {"request_id": said["request_id"], "stored": True}
    record = await gateway.record(reply)
    assert [(f["rating"], f["comment"]) for f in record["feedback"]] == [(-0.5, "too short")]


async def test_a_secret_in_a_comment_is_not_kept(gateway: Gateway) -> None:
    reply = await gateway.chat()
    comment = "it said sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3 and bob@acme.de"
    said = {"request_id": reply.headers["x-request-id"], "comment": comment}

    await gateway.client.post("/v1/feedback", json=said)

    (kept,) = (await gateway.record(reply))["feedback"]
    assert kept["comment"] == "it said [api_key] and [email]"


@pytest.mark.parametrize(
    ("rating", "number"),
    [
        ("good", 1),
        ("Bad", -1),
        ("thumbs_up", 1),
        ("Thumbs-Down", -1),
        ("thumbs up", 1),
        ("down", -1),
        ("\U0001f44d", 1),
        ("+1", 1),
        ("-1", -1),
        (" 0.5", 0.5),
        (True, 1),
        (False, -1),
        (0, 0),
    ],
)
async def test_a_rating_may_be_a_word(gateway: Gateway, rating: float | str, number: float) -> None:
    reply = await gateway.chat()
    said = {"request_id": reply.headers["x-request-id"], "rating": rating}

    stored = await gateway.client.post("/v1/feedback", json=said)

    assert stored.status_code == 201
    record = await gateway.record(reply)
    assert [each["rating"] for each in record["feedback"]] == [number]


async def test_what_else_a_client_sends_along_is_named_and_ignored(gateway: Gateway) -> None:
    reply = await gateway.chat()
    more = {"user_id": "u1", "metadata": {"page": 3}}
    said = {"request_id": reply.headers["x-request-id"], "comment": "nice", **more}

    stored = await gateway.client.post("/feedback", json=said)

    assert stored.status_code == 201
    assert stored.json()["ignored"] == ["user_id", "metadata"]
    record = await gateway.record(reply)
    assert [(each["rating"], each["comment"]) for each in record["feedback"]] == [(None, "nice")]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"request_id": "req_x", "rating": 1}, 404),
        ({"request_id": "req_x"}, 400),
        ({"request_id": "req_x", "comment": "x" * 4001}, 400),
        ({"request_id": "req_x", "comment": "x" * 4000}, 404),
        ({"request_id": "req_x", "rating": 2}, 400),
        ({"request_id": "req_x", "rating": "2"}, 400),
        ({"request_id": "req_x", "rating": "nan"}, 400),
        ({"request_id": "req_x", "rating": "so-so"}, 400),
        ({"request_id": "req_x", "rating": "1" * 40}, 400),
        ({"request_id": "req_x", "rating": [1]}, 400),
        ({"request_id": "req_x", "score": 1}, 400),
        ({"rating": 1}, 400),
    ],
)
async def test_feedback_that_does_not_fit(
    gateway: Gateway, said: dict[str, object], status: int
) -> None:
    assert (await gateway.client.post("/v1/feedback", json=said)).status_code == status
