"""Conversations that any gateway can continue, as keys of Redis."""

from __future__ import annotations

from pointsman.storage.redis_link import RedisLink

_MILLISECONDS = 1000


class RedisConversations:
    """`ConversationStore` on Redis or Valkey; the server forgets what is too old."""

    def __init__(self, link: RedisLink, *, prefix: str = "pointsman:") -> None:
        """All keys begin with `prefix`."""
        self._link = link
        self._prefix = f"{prefix}conversation:"

    async def put(self, name: str, conversation: bytes, life_s: float) -> None:
        """See `ports.ConversationStore`."""
        life_ms = max(1, round(life_s * _MILLISECONDS))
        await self._link.ask(self._link.client.set(self._prefix + name, conversation, px=life_ms))

    async def get(self, name: str) -> bytes | None:
        """See `ports.ConversationStore`."""
        found = await self._link.ask(self._link.client.get(self._prefix + name))
        return found if isinstance(found, bytes) else None
