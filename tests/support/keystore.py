"""A KeyStore that several key rings can share, and that can be down."""

from collections.abc import Sequence

from pointsman.errors import LedgerUnavailable
from pointsman.types import StoredKey


class SharedKeys:
    def __init__(self) -> None:
        self.stored: dict[str, StoredKey] = {}
        self.down = False
        self._changes = 0

    async def keys(self) -> Sequence[StoredKey]:
        self._check()
        return list(self.stored.values())

    async def put_key(self, key: StoredKey) -> None:
        self._check()
        self.stored[key.key.id] = key
        self._changes += 1

    async def remove_key(self, key_id: str) -> bool:
        self._check()
        self._changes += 1
        return self.stored.pop(key_id, None) is not None

    async def keys_stamp(self) -> str:
        self._check()
        return str(self._changes)

    def _check(self) -> None:
        if self.down:
            raise LedgerUnavailable("the database is gone")
