"""Two gateways over one PostgreSQL know the same organisations, and none of them tells a secret."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.support import servers
from tests.support.canaries import Canaries, kept
from tests.support.gateway import Gateway, eventually
from tests.support.paid_upstream import PaidUpstream
from tests.support.postgres_books import ask, new_database
from tests.support.serving import serving

from pointsman.storage.vault import new_key

pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]

OPERATORS, ACMES, OWN = (
    f"sk-{name}-q8zj3nf02lqmv5t1xw9cy7ahd4rk6bs" for name in ("op", "ac", "ow")
)
CONFIG = """
api_key = "sesame"

[models.gpt]
provider = "openai"
model = "gpt"
tier = "simple"
base_url = "{upstream}"
api_key = "{operators}"

[tenants]
base_urls = ["{upstream}"]
encryption_key = "{encryption}"

[ledger]
url = "{url}"
"""
PATH = "/v1/organisations"
CHAT = {"messages": [{"role": "user", "content": "Yes?"}]}


def said(gateway: Gateway, method: str, path: str, **body: object) -> dict[str, object]:
    answer = gateway.send(method, path, json.dumps(body).encode() if method == "POST" else b"")
    assert answer.status in {200, 201}, answer.body
    return answer.json()


def status(gateway: Gateway, key: str, model: str = "gpt") -> int:
    body = json.dumps({**CHAT, "model": model}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return gateway.send("POST", "/v1/chat/completions", body, headers).status


def play(one: Gateway, other: Gateway, upstream: PaidUpstream, address: str) -> None:
    """What is changed at one is so at the other."""
    said(one, "POST", PATH, id="acme")
    ann = said(one, "POST", f"{PATH}/acme/members", person="ann", role="user")["id"]
    eventually(lambda: other.get(f"{PATH}/acme").status == 200, "the other knows of acme")
    key = str(said(other, "POST", "/v1/keys", organisation="acme", member=ann)["key"])
    eventually(lambda: status(one, key) == 200, "one knows the key")
    assert upstream.keys[-1] == OPERATORS

    said(other, "POST", f"{PATH}/acme/provider-keys", provider="openai", key=ACMES)
    assert status(other, key) == 200
    assert upstream.keys[-1] == ACMES
    eventually(
        lambda: status(one, key) == 200 and upstream.keys[-1] == ACMES, "acme pays itself at one"
    )
    own = {"provider": "openai-compatible", "model": "m", "base_url": address, "api_key": OWN}
    said(one, "POST", f"{PATH}/acme/deployments", id="own", **own)
    eventually(lambda: status(other, key, "acme/own") == 200, "the other has the deployment")
    assert upstream.keys[-1] == OWN
    assert status(other, "sesame", "acme/own") == 404

    said(one, "DELETE", f"{PATH}/acme/members/{ann}")
    assert status(one, key) == 401
    eventually(lambda: status(other, key) == 401, "the other refuses the key")


async def test_what_is_changed_at_one_is_so_at_the_other(tmp_path_factory: pytest.TempPathFactory):
    url, upstream = await new_database(servers.postgres()), PaidUpstream()
    homes: list[Path] = [tmp_path_factory.mktemp(name) for name in ("one", "other")]
    async with serving(upstream) as address:
        config = CONFIG.format(
            upstream=f"{address}/v1", operators=OPERATORS, encryption=new_key(), url=url
        )
        one, other = (Gateway(home, config, api_key="sesame") for home in homes)
        async with one, other:
            await asyncio.to_thread(play, one, other, upstream, f"{address}/v1")
            rows = [
                row
                for table in (
                    "organisations",
                    "provider_keys",
                    "organisation_deployments",
                    "entries",
                )
                for row in await ask(url, f"SELECT * FROM {table}")  # noqa: S608 - its own name
            ]

    canaries = Canaries()
    canaries.secret("acme's", ACMES.removeprefix("sk-ac-"))
    texts = [str(row).encode() for row in rows]
    for gateway, home in ((one, homes[0]), (other, homes[1])):
        texts += [gateway.log.encode(), gateway.printed.encode()]
        texts += [text for name, text in kept(home) if name != "pointsman.toml"]
    assert len(rows) >= 4
    assert set().union(*map(canaries.found, texts)) == set()
    assert "Traceback" not in one.log + other.log
