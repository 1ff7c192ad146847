"""Who asked for what is done later, maybe at another gateway."""

import pytest
from tests.support.keystore import SharedKeys

from pointsman.access.keyring import KeyRing
from pointsman.access.wishes import NewKey
from pointsman.clock import ManualClock
from pointsman.errors import AuthenticationFailed
from pointsman.types import Principal

OWNER = Principal(key="operator")


async def test_what_was_asked_with_a_key_made_elsewhere_has_its_owner() -> None:
    store, clock = SharedKeys(), ManualClock()
    here, there = KeyRing(store, clock), KeyRing(store, clock)
    await here.load()
    made = await there.create(OWNER, NewKey(organisation="acme"))

    assert await here.owner(made.key.id) == Principal("acme", made.key.id)

    await there.delete(OWNER, made.key.id)
    await here.refresh()
    with pytest.raises(AuthenticationFailed, match="not valid any more"):
        await here.owner(made.key.id)
