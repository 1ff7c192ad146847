"""Who is let in, when a change takes effect, and what holds while the database is down."""

import asyncio
import logging
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.keystore import SharedKeys

from pointsman.access.keyring import KeyRing
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.clock import ManualClock
from pointsman.errors import AuthenticationFailed, BadRequest, LedgerUnavailable, NotFound
from pointsman.types import Principal, Role

OWNER = Principal(key="operator")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "host": "gateway.test"}


async def ring_over(store: SharedKeys, clock: ManualClock, **more: object) -> KeyRing:
    ring = KeyRing(store, clock, **more)
    await ring.load()
    return ring


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store() -> SharedKeys:
    return SharedKeys()


@pytest.fixture
async def ring(store: SharedKeys, clock: ManualClock) -> KeyRing:
    return await ring_over(store, clock)


async def test_before_there_is_a_key_anybody_on_this_machine_is_let_in(ring: KeyRing) -> None:
    assert ring.lets_anybody_in
    for headers in (
        {},
        {"host": "127.0.0.1:7070"},
        {"host": "[::1]:7070", "authorization": "Bearer any"},
        {"origin": "http://localhost:3000", "x-api-key": "a", "authorization": "Bearer b"},
    ):
        assert ring.authenticate(headers) == Principal()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"host": "evil.test"},
        {"host": "127.0.0.1.evil.test"},
        {"host": "localhost.evil.test:7070"},
        {"host": "[::1"},
        {"host": ""},
        {"host": "10.0.0.1"},
    ],
)
async def test_but_no_page_from_elsewhere(ring: KeyRing, headers: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed, match="web page"):
        ring.authenticate(headers)


async def test_pages_that_may(store: SharedKeys, clock: ManualClock) -> None:
    ring = await ring_over(store, clock, origins=["https://chat.test"])

    assert ring.authenticate({"origin": "https://chat.test", "host": "box"}) == Principal()
    with pytest.raises(AuthenticationFailed):
        ring.authenticate({"origin": "https://evil.test"})


async def test_nobody_is_let_in_before_the_keys_are_read(store: SharedKeys) -> None:
    with pytest.raises(AuthenticationFailed):
        KeyRing(store, ManualClock()).authenticate({})


async def test_nobody_is_let_in_without_a_key_where_others_reach_it(
    store: SharedKeys, clock: ManualClock
) -> None:
    ring = await ring_over(store, clock, local=False)

    assert not ring.has_keys
    with pytest.raises(AuthenticationFailed, match="no API key"):
        ring.authenticate({})


async def test_the_first_key_closes_the_door(ring: KeyRing) -> None:
    made = await ring.create(Principal(), NewKey(role="admin", everywhere=True))

    assert not ring.lets_anybody_in
    assert ring.authenticate(bearer(made.text)) == Principal("default", made.key.id)
    assert ring.authenticate({"x-api-key": made.text}).grant == made.key.grant
    assert made.text not in repr(made)
    with pytest.raises(AuthenticationFailed, match="no API key"):
        ring.authenticate({})


async def test_the_first_key_of_another_gateway_closes_it_too(
    store: SharedKeys, clock: ManualClock
) -> None:
    here, there = await ring_over(store, clock), await ring_over(store, clock)
    anybody = here.authenticate({})
    made = await there.create(Principal(), NewKey(role="admin", everywhere=True))

    with pytest.raises(AuthenticationFailed):
        await here.create(anybody, NewKey(role="admin", everywhere=True))

    assert [key.id for key in here.list(OWNER)] == [made.key.id]


async def test_who_was_revoked_at_another_gateway_changes_nothing(
    store: SharedKeys, clock: ManualClock
) -> None:
    here, there = await ring_over(store, clock), await ring_over(store, clock)
    ended, deleted = [
        await there.create(OWNER, NewKey(role="admin", everywhere=True)) for _ in range(2)
    ]
    await here.refresh()
    theirs = [here.authenticate(bearer(made.text)) for made in (ended, deleted)]
    await there.change(OWNER, ended.key.id, KeyChange(active=False))
    await there.delete(OWNER, deleted.key.id)

    for by in theirs:
        with pytest.raises(AuthenticationFailed):
            await here.create(by, NewKey())
        with pytest.raises(AuthenticationFailed):
            await here.change(by, ended.key.id, KeyChange(active=True))
        with pytest.raises(AuthenticationFailed):
            await here.rotate(by, ended.key.id, Rotation())
        with pytest.raises(AuthenticationFailed):
            await here.delete(by, ended.key.id)


async def test_it_stays_closed_when_the_last_key_goes(ring: KeyRing) -> None:
    made = await ring.create(Principal(), NewKey(role="admin"))

    await ring.delete(OWNER, made.key.id)

    assert (ring.has_keys, ring.list(OWNER)) == (False, [])
    for headers in ({}, bearer(made.text)):
        with pytest.raises(AuthenticationFailed):
            ring.authenticate(headers)


async def test_both_carriers_must_agree(ring: KeyRing) -> None:
    made = await ring.create(OWNER, NewKey())
    other = await ring.create(OWNER, NewKey())

    assert ring.authenticate({**bearer(made.text), "x-api-key": made.text}).key == made.key.id
    assert ring.authenticate({"authorization": "Basic eDp5", "x-api-key": made.text})
    with pytest.raises(AuthenticationFailed, match="different keys"):
        ring.authenticate({**bearer(made.text), "x-api-key": other.text})


async def test_a_static_key_and_the_command_lines_own(
    store: SharedKeys, clock: ManualClock
) -> None:
    ring = await ring_over(store, clock, static="s\u00e9same", operator="token")

    assert not ring.lets_anybody_in
    assert ring.has_keys
    as_sent = "s\u00e9same".encode().decode("latin-1")
    assert ring.authenticate(bearer(as_sent)).key == "static"
    assert ring.authenticate(bearer("token")).key == "operator"
    assert ring.authenticate(bearer("token")).grant.everywhere
    with pytest.raises(AuthenticationFailed, match="wrong"):
        ring.authenticate(bearer("sesame"))


@given(st.text(max_size=80))
def test_whatever_is_sent_is_wrong_and_nothing_worse(text: str) -> None:
    async def ask() -> None:
        ring = await ring_over(SharedKeys(), ManualClock(), static="key", operator="token")
        with pytest.raises(AuthenticationFailed):
            ring.authenticate({"x-api-key": text})

    asyncio.run(ask())


async def test_what_the_holder_of_a_key_that_is_valid_no_more_is_told(
    ring: KeyRing, clock: ManualClock
) -> None:
    end = clock.now() + timedelta(hours=2)
    off, over, gone, old = [
        await ring.create(OWNER, NewKey(expires=end if name == "over" else None))
        for name in ("off", "over", "gone", "old")
    ]
    await ring.change(OWNER, off.key.id, KeyChange(active=False))
    await ring.delete(OWNER, gone.key.id)
    new = await ring.rotate(OWNER, old.key.id, Rotation(grace_s=3600))
    assert ring.authenticate(bearer(old.text)) == ring.authenticate(bearer(new.text))
    assert ring.authenticate(bearer(over.text))

    clock.advance(7200)

    for key, words in (
        (off.text, f"{off.key.id} is deactivated"),
        (over.text, f"{over.key.id} has expired"),
        (gone.text, "the API key is wrong"),
        (old.text, f"{old.key.id} was rotated"),
        (off.key.id, "the API key is wrong"),
        (off.text[:-1], "the API key is wrong"),
        (off.text.upper(), "the API key is wrong"),
    ):
        with pytest.raises(AuthenticationFailed, match=words) as refused:
            ring.authenticate(bearer(key))
        assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")
    await ring.change(OWNER, off.key.id, KeyChange(active=True))
    assert ring.authenticate(bearer(off.text)).key == off.key.id


async def test_a_revocation_takes_effect_at_once_here_and_elsewhere_with_the_next_look(
    store: SharedKeys, clock: ManualClock, ring: KeyRing
) -> None:
    elsewhere = await ring_over(store, clock)
    made = await ring.create(OWNER, NewKey())
    await elsewhere.refresh()
    assert elsewhere.authenticate(bearer(made.text)).key == made.key.id

    await ring.change(OWNER, made.key.id, KeyChange(active=False))

    with pytest.raises(AuthenticationFailed):
        ring.authenticate(bearer(made.text))
    assert elsewhere.authenticate(bearer(made.text)).key == made.key.id
    await elsewhere.refresh()
    with pytest.raises(AuthenticationFailed):
        elsewhere.authenticate(bearer(made.text))


async def test_a_change_does_not_undo_what_another_gateway_did(
    store: SharedKeys, clock: ManualClock, ring: KeyRing
) -> None:
    made = await ring.create(OWNER, NewKey())
    elsewhere = await ring_over(store, clock)

    await ring.change(OWNER, made.key.id, KeyChange(active=False))
    renamed = await elsewhere.change(OWNER, made.key.id, KeyChange(name="ci"))

    assert (renamed.name, renamed.active) == ("ci", False)


async def test_while_the_database_is_down_valid_keys_stay_valid(
    store: SharedKeys, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    made = await ring.create(OWNER, NewKey())
    store.down = True

    with caplog.at_level(logging.WARNING):
        await ring.refresh()
        await ring.refresh()

    assert ring.authenticate(bearer(made.text)).key == made.key.id
    assert [each.getMessage() for each in caplog.records] == [
        "API keys can't be read, those that are known stay valid: the database is gone"
    ]
    for attempt in (
        ring.create(OWNER, NewKey()),
        ring.change(OWNER, made.key.id, KeyChange(active=False)),
        ring.rotate(OWNER, made.key.id, Rotation()),
        ring.delete(OWNER, made.key.id),
    ):
        with pytest.raises(LedgerUnavailable):
            await attempt
    assert ring.authenticate(bearer(made.text)).key == made.key.id


async def test_while_the_database_is_down_nobody_is_told_that_a_key_is_wrong(
    store: SharedKeys, ring: KeyRing, clock: ManualClock
) -> None:
    await ring.create(OWNER, NewKey())
    elsewhere = await ring_over(store, clock)
    made = await elsewhere.create(OWNER, NewKey())
    store.down = True

    await ring.refresh()
    with pytest.raises(LedgerUnavailable):
        ring.authenticate(bearer(made.text))

    store.down = False
    await ring.refresh()
    assert ring.authenticate(bearer(made.text)).key == made.key.id
    with pytest.raises(AuthenticationFailed):
        ring.authenticate(bearer(f"{made.text}x"))


async def test_keys_that_could_not_be_read_for_too_long_are_not_trusted(
    store: SharedKeys, clock: ManualClock
) -> None:
    ring = await ring_over(store, clock, lasting_s=3600.0, static="house")
    made = await ring.create(OWNER, NewKey())
    store.down = True

    clock.advance(3600)
    await ring.refresh()
    assert ring.authenticate(bearer(made.text)).key == made.key.id
    clock.advance(1)
    with pytest.raises(LedgerUnavailable):
        ring.authenticate(bearer(made.text))
    assert ring.authenticate(bearer("house")).key == "static"

    store.down = False
    await ring.refresh()
    assert ring.authenticate(bearer(made.text)).key == made.key.id


async def test_whoever_needs_no_key_is_let_in_no_longer_than_that(
    store: SharedKeys, clock: ManualClock
) -> None:
    ring = await ring_over(store, clock, lasting_s=3600.0)
    store.down = True
    clock.advance(3601)
    with pytest.raises(LedgerUnavailable):
        ring.authenticate({"host": "localhost"})


async def test_many_changes_at_once_are_all_there(ring: KeyRing, store: SharedKeys) -> None:
    made = await asyncio.gather(*(ring.create(OWNER, NewKey()) for _ in range(50)))
    await asyncio.gather(*(ring.refresh() for _ in range(5)), ring.delete(OWNER, made[0].key.id))

    assert len({each.key.id for each in made}) == 50
    assert {key.id for key in ring.list(OWNER)} == set(store.stored)
    assert len(store.stored) == 49


async def test_who_sees_which_keys(ring: KeyRing) -> None:
    admin = await ring.create(OWNER, NewKey(organisation="acme", role="admin"))
    theirs = await ring.create(OWNER, NewKey(organisation="globex"))
    acme = ring.authenticate(bearer(admin.text))

    mine = await ring.create(acme, NewKey())

    assert [key.id for key in ring.list(acme)] == [admin.key.id, mine.key.id]
    assert len(ring.list(OWNER)) == 3
    for attempt in (
        ring.change(acme, theirs.key.id, KeyChange(active=False)),
        ring.rotate(acme, theirs.key.id, Rotation()),
        ring.delete(acme, theirs.key.id),
        ring.delete(acme, "pm_nothere"),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound):
        ring.get(acme, theirs.key.id)
    assert ring.authenticate(bearer(theirs.text)).key == theirs.key.id


async def test_what_a_members_key_makes_ends_with_the_member(
    store: SharedKeys, clock: ManualClock
) -> None:
    members: dict[tuple[str, str], Role] = {("acme", "m_eve"): "admin"}
    ring = await ring_over(store, clock, roles=lambda *member: members.get(member))
    eves = await ring.create(OWNER, NewKey(organisation="acme", role="admin", member="m_eve"))

    another = await ring.create(ring.authenticate(bearer(eves.text)), NewKey(role="admin"))

    assert another.key.member == "m_eve"
    assert ring.authenticate(bearer(another.text)).grant.role == "admin"
    members.clear()
    with pytest.raises(AuthenticationFailed):
        ring.authenticate(bearer(another.text))


async def test_an_organisation_has_no_end_of_keys_only_where_the_operator_makes_them(
    ring: KeyRing, store: SharedKeys
) -> None:
    admin = await ring.create(OWNER, NewKey(organisation="acme", role="admin"))
    made = store.stored[admin.key.id]
    for number in range(1000):
        key = replace(made.key, id=f"pm_{number}")
        await store.put_key(replace(made, key=key, digest=number.to_bytes(32)))
    await ring.refresh()

    with pytest.raises(BadRequest, match="at most 1000 keys"):
        await ring.create(ring.authenticate(bearer(admin.text)), NewKey())
    assert await ring.create(OWNER, NewKey(organisation="acme"))
    assert await ring.create(OWNER, NewKey(organisation="globex"))


def test_the_wishes_are_the_bodies() -> None:
    assert msgspec.convert({"active": False}, KeyChange) == KeyChange(active=False)
