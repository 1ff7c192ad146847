"""How a key is made, what may be wanted of it, and who may give what."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pointsman.access import keys
from pointsman.access.view import KeyView, key_view
from pointsman.access.wishes import KeyChange, NewKey
from pointsman.errors import AuthenticationFailed, BadRequest, Forbidden, NotFound
from pointsman.types import Budgets, Grant, Limits, Principal, StoredKey

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER = Principal(key="static")
ACME = Principal("acme", "pm_admin", grant=Grant(everywhere=False))
TEXT = "pm_aaaaaaaa_" + "s" * 43


def made(by: Principal = OWNER, **wish: object) -> StoredKey:
    return keys.made(by, msgspec.convert(wish, NewKey), "pm_aaaaaaaa", TEXT, NOW)


def change(by: Principal, stored: StoredKey, **wish: object) -> StoredKey:
    return keys.changed(by, stored, msgspec.convert(wish, KeyChange), NOW)


@given(st.binary(min_size=5, max_size=5), st.binary(min_size=32, max_size=32))
def test_a_key_is_a_public_id_and_256_secret_bits(first: bytes, secret: bytes) -> None:
    text = keys.key_text(keys.new_id(first), secret)

    assert re.fullmatch(r"pm_[a-z2-7]{8}_[A-Za-z0-9_-]{43}", text)
    assert keys.digest(text) == keys.digest(text.encode())
    assert len(keys.digest(text)) == 32


def test_a_new_key_calls_models_for_its_organisation_and_no_more() -> None:
    key = made().key

    assert (key.organisation, key.name, key.active, key.expires) == ("default", "", True, None)
    assert key.grant == Grant(role="user", everywhere=False)


def test_what_is_stored_has_nothing_of_the_secret() -> None:
    stored = made(name="ci")

    assert stored.digest == keys.digest(TEXT)
    assert "ssss" not in repr(stored)
    assert "ssss" not in msgspec.json.encode(key_view(stored.key)).decode()


def test_what_can_be_wanted_of_a_key() -> None:
    key = made(
        name="Ada @ laptop",
        organisation="acme",
        role="read-only",
        expires="2026-12-01T00:00:00+01:00",
        models=["ollama/qwen2.5:7b"],
        tiers=["simple"],
        routes=["auto"],
        privacy="personal",
        limits={"requests_per_minute": 60},
        budgets={"per_day": "2.50", "per_month": 40},
    ).key

    assert key.expires == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert key.grant == Grant(
        role="read-only",
        everywhere=False,
        models=frozenset({"ollama/qwen2.5:7b"}),
        tiers=frozenset({"simple"}),
        routes=frozenset({"auto"}),
        privacy="personal",
        limits=Limits(requests_per_minute=60),
        budgets=Budgets(Decimal("2.5"), Decimal(40)),
    )
    assert msgspec.json.decode(msgspec.json.encode(key_view(key)), type=KeyView) == key_view(key)


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "a\nb"},
        {"name": "n" * 65},
        {"name": "Zoë"},
        {"name": " x"},
        {"organisation": ""},
        {"organisation": "../acme"},
        {"organisation": "acme corp"},
        {"organisation": "\u0430cme"},  # Cyrillic
        {"expires": "2026-11-21T12:00:00Z"},
        {"expires": "2026-12-01T00:00:00"},
        {"expires": "9999-12-31T23:59:59-05:00"},
        {"models": []},
        {"models": ["a b"]},
        {"tiers": ["simple\x00"]},
        {"routes": ["auto"] * 101},
        {"budgets": {"per_day": "-0.01"}},
        {"budgets": {"per_day": "NaN"}},
        {"budgets": {"per_day": "Infinity"}},
        {"budgets": {"per_month": "1e400"}},
        {"budgets": {"per_month": "1e-400"}},
        {"budgets": {"per_month": "0.0000000000001"}},
        {"role": "user", "everywhere": True},
    ],
)
def test_what_can_not_be_wanted(wish: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as refused:
        made(**wish)

    assert refused.value.param is not None


@pytest.mark.parametrize(
    "wish",
    [
        {"digest": "x"},
        {"id": "pm_bbbbbbbb"},
        {"role": "owner"},
        {"limits": {"requests_per_minute": 0}},
        {"limits": {"requests_per_second": 1}},
        {"limits": {"concurrent": True}},
        {"budgets": {"per_year": 1}},
        {"name": ["a"]},
        {"active": 1},
    ],
)
def test_members_that_there_are_not(wish: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wish, NewKey)


@pytest.mark.parametrize("member", ["role", "organisation", "everywhere", "created"])
def test_what_a_key_is_for_stays_for_its_life(member: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({member: "admin"}, KeyChange)


@given(st.from_type(Decimal))
def test_a_budget_is_exact_or_refused(amount: Decimal) -> None:
    try:
        budget = made(budgets={"per_day": amount}).key.grant.budgets.per_day
    except BadRequest:
        return

    assert budget == amount
    assert "E" not in str(budget)


def test_a_change_leaves_alone_what_it_does_not_name() -> None:
    before = made(name="ci", models=["weak"], limits={"concurrent": 2}, budgets={"per_day": 1})

    after = change(OWNER, before, limits={"requests_per_minute": 9}, models=None)

    assert after == replace(
        before,
        key=replace(
            before.key,
            grant=replace(
                before.key.grant,
                models=None,
                limits=Limits(requests_per_minute=9, concurrent=2),
            ),
        ),
    )
    assert change(OWNER, after) == after
    assert not change(OWNER, after, active=False).key.active


@pytest.mark.parametrize(
    ("own", "wish", "member"),
    [
        ({"everywhere": False}, {"role": "admin", "everywhere": True}, "everywhere"),
        ({"models": frozenset({"weak"})}, {"models": ["strong"]}, "models"),
        ({"models": frozenset({"weak"})}, {"models": None}, "models"),
        ({"tiers": frozenset({"simple"})}, {"tiers": ["simple", "complex"]}, "tiers"),
        ({"routes": frozenset({"auto"})}, {"routes": None}, "routes"),
        ({"privacy": "personal"}, {"privacy": "secrets"}, "privacy"),
        ({"privacy": "personal"}, {"privacy": None}, "privacy"),
        (
            {"limits": Limits(concurrent=2)},
            {"limits": {"concurrent": 3}},
            "limits.concurrent",
        ),
        (
            {"budgets": Budgets(per_day=Decimal(1))},
            {"budgets": {"per_day": None}},
            "budgets.per_day",
        ),
        (
            {"budgets": Budgets(per_month=Decimal(1))},
            {"budgets": {"allow_unpriced": True}},
            "budgets.allow_unpriced",
        ),
    ],
)
def test_nobody_gives_what_they_have_not(
    own: dict[str, object], wish: dict[str, object], member: str
) -> None:
    by = replace(OWNER, grant=replace(Grant(), **own))

    with pytest.raises(Forbidden, match=f"`{member}`"):
        made(by, **wish)

    assert made(by).key.grant == replace(by.grant, role="user", everywhere=False)


def test_whoever_may_do_less_does_not_touch_a_key() -> None:
    mighty = made(organisation="acme", role="admin", everywhere=True)

    for touch in (
        lambda: change(ACME, mighty, active=False),
        lambda: change(ACME, mighty),
        lambda: keys.rotated(ACME, mighty, TEXT, timedelta(0), NOW),
        lambda: keys.managed(ACME, mighty.key),
    ):
        with pytest.raises(Forbidden):
            touch()


def test_an_admin_of_an_organisation_knows_of_no_other() -> None:
    others = made(organisation="globex")

    with pytest.raises(NotFound):
        keys.seen(ACME, others, others.key.id)
    with pytest.raises(NotFound):
        keys.seen(ACME, None, others.key.id)
    with pytest.raises(Forbidden, match="acme only"):
        made(ACME, organisation="globex")
    assert made(ACME).key.organisation == "acme"
    assert keys.seen(OWNER, others, others.key.id) is others


def test_a_key_expires() -> None:
    stored = made(expires=NOW + timedelta(days=1))

    keys.check_valid(stored, stored.digest, NOW + timedelta(seconds=86_399))
    with pytest.raises(AuthenticationFailed, match="expired"):
        keys.check_valid(stored, stored.digest, NOW + timedelta(days=1))


def test_a_rotated_key_has_a_grace_time() -> None:
    first = made()
    second = keys.rotated(OWNER, first, "another", timedelta(hours=1), NOW)
    third = keys.rotated(OWNER, second, "a third", timedelta(0), NOW)

    assert second.key.id == first.key.id
    keys.check_valid(second, keys.digest("another"), NOW + timedelta(days=9))
    keys.check_valid(second, first.digest, NOW + timedelta(minutes=59))
    with pytest.raises(AuthenticationFailed, match="rotated"):
        keys.check_valid(second, first.digest, NOW + timedelta(hours=1))
    assert (third.previous, third.key.grace_until) == (None, None)
