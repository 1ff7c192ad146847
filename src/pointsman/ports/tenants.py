"""Organisations and what is theirs."""

from __future__ import annotations

from typing import Protocol

from pointsman.types import EVERYWHERE, Scope, TenantKind, TenantRecord, Tenants


class TenantStore(Protocol):
    """Organisations' records, each found through its organisation only.

    Every method raises LedgerUnavailable.
    """

    async def tenants(self, scope: Scope = EVERYWHERE) -> Tenants:
        """The records of one organisation or of all; nothing of an organisation without its own."""

    async def put_tenant(self, record: TenantRecord) -> None:
        """Add it, or write it in place of what was there for its organisation and id."""

    async def remove_tenant(self, kind: TenantKind, organisation: str, record_id: str) -> bool:
        """Forget it, in one step with all that hangs on it; whether it was there.

        On a member hang the API keys that are theirs, on an organisation all its records and its
        API keys; its entries stay in the books, and its id is among the `former`. An organisation's `record_id` is its own.
        """

    async def tenants_stamp(self) -> str:
        """What is another whenever any record has changed, also by another gateway."""


class Sealer(Protocol):
    """Encrypts what must not lie about in clear text, each for one place."""

    def seal(self, text: str, place: str) -> bytes:
        """The text, encrypted, to be opened for the same place only. Raises ConfigError."""

    def unseal(self, sealed: bytes, place: str) -> str:
        """The text. Raises ConfigError where the key is not known, or it was sealed elsewhere."""

    def is_current(self, sealed: bytes) -> bool:
        """Whether it is sealed with the key that is used now."""
