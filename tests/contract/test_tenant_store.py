"""Organisations and what is theirs: `ports.TenantStore`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.support.books import Store
from tests.support.entries import NOON

from pointsman.types import (
    Grant,
    Key,
    Member,
    Organisation,
    OwnDeployment,
    ProviderKey,
    Scope,
    StoredKey,
    TenantKind,
    TenantRecord,
    Tenants,
)

ACME = Organisation("acme", "Acme, Inc.", NOON)
GLOBEX = Organisation("globex", "", NOON + timedelta(seconds=1))
MODEL = {"provider": "openai", "model": "gpt-6", "tasks": ["chat"], "extra": {"é": [1, None]}}


def theirs(organisation: str) -> list[TenantRecord]:
    """One of each kind, named alike in every organisation."""
    return [
        Member(organisation, "m_1", "ann@example.org", "user", NOON),
        ProviderKey(organisation, "openai", NOON, b"\0sealed\xff"),
        OwnDeployment(organisation, "best", NOON, MODEL, b"own"),
    ]


def key(key_id: str, organisation: str, member: str | None = None) -> StoredKey:
    made = Key(key_id, "", organisation, Grant(role="user"), NOON, member=member)
    return StoredKey(made, key_id.encode().ljust(32))


async def furnished(books: Store) -> None:
    for organisation in (ACME, GLOBEX):
        for each in (organisation, *theirs(organisation.id)):
            await books.put_tenant(each)
    for each in (
        key("pm_1", "acme", "m_1"),
        key("pm_2", "acme"),
        key("pm_3", "globex", "m_1"),
    ):
        await books.put_key(each)


def all_of(found: Tenants) -> list[TenantRecord]:
    return [*found.organisations, *found.members, *found.provider_keys, *found.deployments]


async def test_what_was_put_is_there_for_whom_it_concerns(books: Store):
    assert await books.tenants() == Tenants()

    await furnished(books)

    for organisation in (ACME, GLOBEX):
        found = await books.tenants(Scope(organisation.id))
        assert all_of(found) == [organisation, *theirs(organisation.id)]
    assert (await books.tenants()).organisations == (ACME, GLOBEX)
    assert len(all_of(await books.tenants())) == 8
    assert await books.tenants(Scope("elsewhere")) == Tenants()


async def test_a_record_takes_the_place_of_the_one_before(books: Store):
    await furnished(books)
    promoted = replace(theirs("acme")[0], role="admin")

    await books.put_tenant(promoted)
    await books.put_tenant(replace(ACME, name="Acme"))

    found = await books.tenants()
    assert found.members == (promoted, theirs("globex")[0])
    assert found.organisations == (replace(ACME, name="Acme"), GLOBEX)


async def test_nothing_is_anybodys_without_a_record_of_them(books: Store):
    for each in theirs("acme"):
        await books.put_tenant(each)

    assert await books.tenants() == Tenants()


@pytest.mark.parametrize(
    ("kind", "record_id", "keys", "records"),
    [
        ("member", "m_1", {"pm_2", "pm_3"}, 7),
        ("provider_key", "openai", {"pm_1", "pm_2", "pm_3"}, 7),
        ("deployment", "best", {"pm_1", "pm_2", "pm_3"}, 7),
        ("organisation", "acme", {"pm_3"}, 4),
    ],
)
async def test_what_is_removed_goes_with_all_that_hangs_on_it(
    books: Store, kind: TenantKind, record_id: str, keys: set[str], records: int
):
    await furnished(books)

    assert not await books.remove_tenant(kind, "elsewhere", record_id)
    assert len(await books.keys()) == 3
    assert await books.remove_tenant(kind, "acme", record_id)

    assert {each.key.id for each in await books.keys()} == keys
    assert len(all_of(await books.tenants())) == records
    assert all_of(await books.tenants(Scope("globex"))) == [GLOBEX, *theirs("globex")]
    assert not await books.remove_tenant(kind, "acme", record_id)


async def test_who_was_removed_is_known_for_good(books: Store):
    await furnished(books)
    await books.remove_tenant("member", "globex", "m_1")
    await books.remove_tenant("organisation", "elsewhere", "elsewhere")
    assert (await books.tenants()).former == frozenset()

    await books.remove_tenant("organisation", "acme", "acme")

    assert (await books.tenants()).former == {"acme"}
    assert (await books.tenants(Scope("acme"))).former == {"acme"}
    assert (await books.tenants(Scope("globex"))).former == frozenset()


async def test_every_change_is_noticed(books: Store):
    stamps = [await books.tenants_stamp()]
    await furnished(books)
    stamps.append(await books.tenants_stamp())
    keys_stamp = await books.keys_stamp()

    await books.remove_tenant("member", "acme", "m_1")

    stamps.append(await books.tenants_stamp())
    assert len(set(stamps)) == 3
    assert await books.keys_stamp() != keys_stamp


async def test_a_key_says_whose_it_is(books: Store):
    await books.put_key(key("pm_1", "acme", "m_1"))

    [found] = await books.keys()

    assert found == key("pm_1", "acme", "m_1")
