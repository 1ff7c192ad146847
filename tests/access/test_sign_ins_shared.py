"""Who signs in at one gateway is signed in at all that hear of it, and out as well."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.gateway import two_tiers
from tests.support.gateways import Told, until

from pointsman.access import keys
from pointsman.access.keyring import KeyRing
from pointsman.access.sessions import SignIns
from pointsman.access.sessions import Told as Word
from pointsman.access.wishes import NewKey
from pointsman.assembly.sharing import Sharing
from pointsman.clock import ManualClock
from pointsman.storage.bus_memory import Hub
from pointsman.storage.memory import MemoryStore
from pointsman.types import Principal

OPERATOR = Principal(key="operator")


@pytest.fixture
async def places() -> AsyncIterator[tuple[str, SignIns, SignIns]]:
    """A key's whole text, and two gateways over one store of keys."""
    hub, clock, store = Hub(), ManualClock(), MemoryStore()
    rings = [KeyRing(store, clock, operator="operator's own") for _ in range(2)]
    for ring in rings:
        await ring.load()
    made = await rings[0].create(OPERATOR, NewKey(role="admin", everywhere=True))
    await rings[1].refresh()
    both = [SignIns(ring, clock) for ring in rings]
    shared = [Sharing(two_tiers(), clock=clock, observer=Told(), hub=hub) for _ in both]
    for sharing, sign_ins in zip(shared, both, strict=True):
        sign_ins.tell = sharing.share_sign_ins(sign_ins.heed)
        await sharing.start()
    yield (made.text, *both)
    for sharing in shared:
        await sharing.close()


async def test_one_cookie_does_at_both_until_it_ends(places: tuple[str, SignIns, SignIns]) -> None:
    key, here, there = places

    cookie, session = here.begin(key)

    headers = {"cookie": f"pointsman-session={cookie}"}
    await until(lambda: there.session(headers))
    found = there.session(headers)
    assert found is not None
    assert (found.digest, found.csrf) == (session.digest, session.csrf)
    assert there.authenticate("GET", headers).key == here.authenticate("GET", headers).key

    there.end(headers)
    await until(lambda: here.session(headers) is None)
    assert there.session(headers) is None


async def test_a_gateway_that_has_not_heard_of_it_can_end_it(
    places: tuple[str, SignIns, SignIns],
) -> None:
    key, here, there = places
    here.tell, tell = (lambda _: None), here.tell
    cookie, _ = here.begin(key)
    here.tell = tell
    headers = {"cookie": f"pointsman-session={cookie}"}
    there.end(headers)
    await until(lambda: here.session(headers) is None)


def overheard(places: tuple[str, SignIns, SignIns]) -> tuple[str, Word]:
    """Somebody's cookie, and what was said of it."""
    key, here, there = places
    said: list[Word] = []
    here.tell = said.append
    cookie, _ = here.begin(key)
    there.heed(said[0])
    return cookie, said[0]


async def test_who_can_listen_and_speak_signs_nobody_in(
    places: tuple[str, SignIns, SignIns],
) -> None:
    key, _, there = places
    _, word = overheard(places)
    assert keys.digest(key) not in (word.name, word.sealed, word.ends)
    mine = {"cookie": "pointsman-session=mine"}
    for sealed in (word.sealed, keys.digest(key), b"", b"short", bytes(32)):
        there.heed(Word(keys.digest("mine"), sealed, word.ends))
        assert there.session(mine) is None
    for number in range(20_000):  # nor does it fill the memory
        there.heed(Word(str(number).encode(), word.sealed, word.ends))
    assert len(there) <= 10_100


async def test_who_can_listen_and_speak_signs_nobody_out(
    places: tuple[str, SignIns, SignIns],
) -> None:
    *_, there = places
    cookie, word = overheard(places)
    headers = {"cookie": f"pointsman-session={cookie}"}
    for _ in ("before it came here", "after"):
        for ends in (b"", word.ends, word.sealed):
            there.heed(Word(word.name, ends=ends))
        there.heed(Word(word.name, bytes(32), word.ends))
        assert there.session(headers)
