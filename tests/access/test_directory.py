"""What is known of organisations, over a store that others change too."""

from datetime import UTC, datetime

from pointsman.access.directory import Directory
from pointsman.storage.memory import MemoryStore
from pointsman.types import Organisation

THEN = datetime(2026, 1, 1, tzinfo=UTC)


async def test_the_gateways_own_organisation_is_never_a_former_one():
    """Earlier releases let it be removed, and then its keys must work all the same."""
    store = MemoryStore()
    for name in ("default", "acme"):
        await store.put_tenant(Organisation(name, "", THEN))
        await store.remove_tenant("organisation", name, name)
    directory = Directory(store, None)

    await directory.load()

    assert directory.is_former("acme")
    assert not directory.is_former("default")
