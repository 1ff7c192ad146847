"""What is wrong with a request is named, in `param`, as the one who sent it wrote it."""

import pytest
from tests.gateway import Gateway


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/v1/complete", {}, 400, "prompt"),
        ("/v1/complete", {"prompt": 7}, 400, "prompt"),
        ("/v1/complete", {"prompt": "x", "temprature": 1}, 400, "temprature"),
        ("/v1/complete", {"prompt": "x", "a" * 99: 1}, 400, "a" * 64),
        ("/v1/complete", {"prompt": "x", "max_tokens": 0}, 400, "max_tokens"),
        ("/v1/complete", {"prompt": "x", "force_tier": "nope"}, 404, "force_tier"),
        ("/v1/complete", [], 400, None),
        ("/api/v1/chat", {}, 400, "message"),
        ("/v1/route", {}, 400, "messages"),
        ("/v1/route", {"messages": [{"role": "x"}]}, 400, "messages[0].role"),
        ("/v1/route", {"prompt": "x", "model": "nope"}, 404, "model"),
        ("/v1/feedback", {"rating": 1}, 400, "request_id"),
        ("/v1/keys", {"limits": {"x": 1}}, 400, "limits.x"),
        ("/v1/keys", {"limits": {"requests_per_minute": 0}}, 400, "limits.requests_per_minute"),
    ],
)
async def test_the_member_that_is_wrong_is_named(
    gateway: Gateway, path: str, body: object, status: int, param: str | None
) -> None:
    reply = await gateway.client.post(path, json=body)

    assert (reply.status_code, reply.json()["error"]["param"]) == (status, param)


async def test_a_header_that_names_no_model_is_named(gateway: Gateway) -> None:
    headers = {"x-force-route": "nope"}
    plain = {"prompt": "x", "force_tier": "simple"}

    replies = [
        await gateway.chat(headers=headers),
        await gateway.client.post("/v1/complete", json=plain, headers=headers),
    ]

    assert [each.status_code for each in replies] == [404, 404]
    assert {each.json()["error"]["param"] for each in replies} == {"x-force-route"}
