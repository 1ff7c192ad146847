"""Organisations' own, over the operator's settings."""

from datetime import UTC, datetime
from typing import get_args
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from pointsman.access.directory import Secrets
from pointsman.access.permissions import ROLES, as_members
from pointsman.assembly.entering import Entering
from pointsman.assembly.tenancy import Tenancy
from pointsman.assembly.wiring import Wiring
from pointsman.calling.line import Line
from pointsman.clock import ManualClock
from pointsman.config import LoadSettings, ModelSettings, Settings, TenantSettings
from pointsman.providers.http import HttpClient
from pointsman.types import OwnDeployment, Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY, OPERATORS = "sk-acme-0123456789abcdef", "sk-operators"
ALLOWED = "https://llm.acme.example/v1"
ENVIRONMENT = {"OPENAI_API_KEY": OPERATORS, "AZURE_OPENAI_API_KEY": OPERATORS}
MODEL = {"provider": "openai", "model": "m"}
TENANTS = TenantSettings(base_urls=(ALLOWED,))


def settings(**models: ModelSettings) -> Settings:
    shared = ModelSettings(provider="openai", model="gpt", tier="simple")
    return Settings(models={"gpt": shared, **models}, tenants=TENANTS)


def own(name: str = "own", **stated: object) -> OwnDeployment:
    return OwnDeployment("acme", name, NOW, {**MODEL, **stated}, None)


def test_an_organisations_deployment_is_a_deployment_of_its_own():
    tenancy = Tenancy((own(),), Secrets({("acme", "openai"): KEY}))

    found = tenancy.within(settings()).models["acme/own"]

    assert (found.organisations, found.key(ENVIRONMENT)) == ({"acme"}, KEY)
    assert KEY not in repr(tenancy) + repr(tenancy.within(settings()))


@pytest.mark.parametrize(
    "secrets",
    [Secrets(), Secrets({("acme", "openai"): None}), Secrets({("globex", "openai"): KEY})],
)
def test_without_its_key_it_is_not_there(secrets: Secrets):
    """The operator's is in the environment, and stays there."""
    assert set(Tenancy((own(),), secrets).within(settings()).models) == {"gpt"}


def test_a_server_without_keys_is_sent_none_of_the_operators():
    stated = {"provider": "vllm", "base_url": ALLOWED}

    found = Tenancy((own(**stated),)).within(settings()).models["acme/own"]

    assert found.key(ENVIRONMENT) == ""


def test_an_organisations_key_is_not_sent_to_an_address_of_its_own():
    """Its admin names the address; whoever set the key may not have meant that."""
    tenancy = Tenancy((own(base_url=ALLOWED),), Secrets({("acme", "openai"): KEY}))

    assert set(tenancy.within(settings()).models) == {"gpt"}


def test_whom_its_key_pays_for():
    elsewhere = ModelSettings(provider="openai", model="m", base_url="https://mine.example/v1")
    others = ModelSettings(provider="openai", model="m", organisations={"globex"})
    tenancy = Tenancy((own(),), Secrets({("acme", "openai"): KEY, ("globex", "openai"): None}))
    read = tenancy.within(settings(elsewhere=elsewhere, others=others))

    found = tenancy.standing_in(read)

    assert set(found["acme"]) == {"gpt"}
    assert found["acme"]["gpt"].key(ENVIRONMENT) == KEY
    assert found["globex"] == {"gpt": None, "others": None}


@given(st.text("./\\%2e:@?#a-v1\t", max_size=12))
@example("/../../admin")
@example("@evil.test/")
@example(".evil.test/v1")
def test_an_allowed_address_leads_nowhere_else(more: str):
    if TenantSettings(base_urls=(ALLOWED,)).allows(f"{ALLOWED}{more}"):
        reached = urlsplit(urljoin(f"{ALLOWED}{more}/", "chat/completions"))
        assert (reached.scheme, reached.netloc) == ("https", "llm.acme.example")
        assert reached.path.startswith("/v1/")
        assert ".." not in reached.path.split("/")


@pytest.mark.parametrize(
    ("provider", "below", "used"),
    [
        ("vllm", "", True),
        ("ollama", "", False),
        ("ollama", "/ollama/v1", True),
        ("llamacpp", "", False),
        ("lmstudio", "", False),
        ("lmstudio", "/studio/v1", True),
    ],
)
def test_nor_is_anything_above_it_called(provider: str, below: str, *, used: bool):
    stated = {"provider": provider, "base_url": f"{ALLOWED}{below}"}

    assert ("acme/own" in Tenancy((own(**stated),)).within(settings()).models) is used


def test_what_its_server_says_of_itself_concerns_nobody_elses_deployment():
    """Gateways tell each other by address and key of a server that wants to be left alone."""
    shared = ModelSettings(provider="vllm", model="m", tier="simple", base_url=ALLOWED)
    read = Tenancy((own(provider="vllm", base_url=ALLOWED),)).within(settings(shared=shared))
    wiring = Wiring(read, client=HttpClient(), clock=ManualClock(), environment={})

    groups = {wiring.line(name, read.models[name]).quota_group for name in ("shared", "acme/own")}

    assert len(groups) == 2


def test_what_it_adds_lets_nobody_else_in():
    clock = ManualClock()
    few = ModelSettings(provider="vllm", model="m", tier="simple", concurrency=4, base_url=ALLOWED)
    stated = {"provider": "vllm", "base_url": ALLOWED, "concurrency": 10_000}
    read = Tenancy((own(**stated),)).within(Settings(models={"few": few}, tenants=TENANTS))
    wiring = Wiring(read, client=HttpClient(), clock=clock, environment={})
    lines = [wiring.line(name, model) for name, model in read.models.items()]
    assert len(lines) == 2

    def least(*found: Line) -> int:
        entering = Entering(LoadSettings(max_lag_s=0.1), clock, lambda: found)
        return entering.door.limit

    assert least(*lines) == least(lines[0]) == least(lines[0], lines[0])


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (ALLOWED, True),
        (f"{ALLOWED}/", True),
        (f"{ALLOWED}/deployments/x", True),
        ("https://llm.acme.example:443/v1", True),
        ("https://LLM.acme.example/v1", True),
        ("https://llm.acme.example/v10", False),
        ("https://llm.acme.example/", False),
        ("http://llm.acme.example/v1", False),
        ("https://llm.acme.example:8443/v1", False),
        ("https://llm.acme.example:x/v1", False),
        ("https://acme.example/v1", False),
        ("https://key@llm.acme.example/v1", False),
    ],
)
def test_which_addresses_are_allowed(address: str, *, allowed: bool):
    assert TenantSettings(base_urls=(ALLOWED,)).allows(address) is allowed


@pytest.mark.parametrize(
    "address", ["", "llm.example", "ftp://x", "https://u:p@x/", "https://x/?y"]
)
def test_what_is_no_address_to_allow(address: str):
    with pytest.raises(ValidationError):
        TenantSettings(base_urls=(address,))


def test_a_members_key_may_do_no_more_than_either():
    doing = {role: {each for each in ROLES if role in ROLES[each]} for role in get_args(Role)}
    for member in get_args(Role):
        for key in get_args(Role):
            found = as_members(member, key)
            assert found is None or doing[found] <= doing[member]
            assert found is None or doing[found] <= doing[key]
