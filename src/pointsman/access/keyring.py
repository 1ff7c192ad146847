"""The keys that are valid, in memory: no request waits for a database to be let in."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pointsman.access import keys
from pointsman.access.authenticate import refuse_foreign_pages, shown_key
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.errors import AuthenticationFailed, Unavailable
from pointsman.ports import Clock, KeyStore
from pointsman.types import Key, Principal, StoredKey

_log = logging.getLogger("pointsman.access")
_Known = tuple[StoredKey, Principal]
#: Whose keys are in no store.
_FIXED = frozenset({"static", "operator"})


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key that was just made or rotated, with the whole text that is shown once."""

    key: Key
    text: str = field(repr=False)


class KeyRing:
    """Every key by its digest, over the store that outlives the process.

    What is changed is stored first, then known here, at once; what another gateway changed is
    known with the next `refresh`. While the store is down the keys that are known stay valid.
    """

    def __init__(
        self,
        store: KeyStore,
        clock: Clock,
        *,
        static: str | None = None,
        operator: str | None = None,
        origins: Collection[str] = (),
        local: bool = True,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`static` is a key from the configuration, `operator` the command line's own: admins.

        `local`: only this machine can reach the gateway, so that anybody may ask as long as there
        is no key; but web pages only from `origins`.
        """
        self._store = store
        self._clock = clock
        self._origins = frozenset(origins)
        self._local = local
        self._random = random
        self._fixed = [
            (keys.digest(text.encode("utf-8", "surrogateescape")), Principal(key=name))
            for text, name in ((static, "static"), (operator, "operator"))
            if text is not None
        ]
        self._closed = static is not None or not local
        self._by_id: Mapping[str, StoredKey] = {}
        self._by_digest: Mapping[bytes, _Known] = {}
        self._stamp: str | None = None
        self._failing = False
        self._changing = asyncio.Lock()

    @property
    def lets_anybody_in(self) -> bool:
        """There is no key, and there was none since the start: whoever is here may ask."""
        return not self._closed and self._stamp is not None

    @property
    def has_keys(self) -> bool:
        """Somebody can be let in by a key."""
        return bool(self._by_id) or any(who.key == "static" for _, who in self._fixed)

    async def load(self) -> None:
        """Read the store. Raises what it raises."""
        async with self._changing:
            await self._read()

    async def refresh(self) -> None:
        """Read the store again where something has changed; where it is down, all stays as it is."""
        try:
            await self.load()
        except Unavailable as error:
            if not self._failing:
                _log.warning("API keys can't be read, those that are known stay valid: %s", error)
            self._failing = True
        else:
            self._failing = False

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The principal behind a request's headers (names in lower case).

        Raises AuthenticationFailed for a key that is missing, wrong or valid no more, and, as long
        as there is none, for what a web page from elsewhere had a browser send.
        """
        if self.lets_anybody_in:
            return self._anybody(headers)
        shown = shown_key(headers)
        if shown is None:
            raise AuthenticationFailed(
                "no API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
            )
        return self.holder(keys.digest(shown))

    def holder(self, digest: bytes) -> Principal:
        """Whose key has this digest.

        Raises AuthenticationFailed for a key that is wrong or valid no more.
        """
        known = self._by_digest.get(digest)
        if known is not None:
            stored, principal = known
            keys.check_valid(stored, digest, self._clock.now())
            return principal
        fixed = self._among_the_fixed(digest)
        if fixed is None:
            raise AuthenticationFailed("the API key is wrong")
        return fixed

    def list(self, by: Principal) -> Sequence[Key]:
        """The keys that `by` may know of, the oldest first."""
        return [stored.key for stored in self._by_id.values() if keys.sees(by, stored.key)]

    def get(self, by: Principal, key_id: str) -> Key:
        """Raises NotFound."""
        return self._seen(by, key_id).key

    async def create(self, by: Principal, wish: NewKey) -> NewSecret:
        """Make a key. Raises BadRequest, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            key_id = keys.new_id(self._random(keys.ID_BYTES))
            while key_id in self._by_id:
                key_id = keys.new_id(self._random(keys.ID_BYTES))
            text = keys.key_text(key_id, self._random(keys.SECRET_BYTES))
            stored = keys.made(by, wish, key_id, text, self._clock.now())
            return NewSecret(await self._put(stored), text)

    async def change(self, by: Principal, key_id: str, wish: KeyChange) -> Key:
        """Change what the wish names. Raises NotFound, BadRequest, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            stored = self._seen(by, key_id)
            return await self._put(keys.changed(by, stored, wish, self._clock.now()))

    async def rotate(self, by: Principal, key_id: str, rotation: Rotation) -> NewSecret:
        """Give the key another secret. Raises NotFound, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            stored = self._seen(by, key_id)
            text = keys.key_text(key_id, self._random(keys.SECRET_BYTES))
            grace = timedelta(seconds=rotation.grace_s)
            anew = keys.rotated(by, stored, text, grace, self._clock.now())
            return NewSecret(await self._put(anew), text)

    async def delete(self, by: Principal, key_id: str) -> None:
        """Forget the key. Raises NotFound, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            keys.managed(by, self._seen(by, key_id).key)
            await self._store.remove_key(key_id)
            self._know([each for each in self._by_id.values() if each.key.id != key_id])

    def _anybody(self, headers: Mapping[str, str]) -> Principal:
        refuse_foreign_pages(headers, self._origins)
        return Principal()

    def _among_the_fixed(self, digest: bytes) -> Principal | None:
        fits = [who for each, who in self._fixed if hmac.compare_digest(each, digest)]
        return fits[0] if fits else None

    def _seen(self, by: Principal, key_id: str) -> StoredKey:
        return keys.seen(by, self._by_id.get(key_id), key_id)

    async def _put(self, stored: StoredKey) -> Key:
        await self._store.put_key(stored)
        self._know([*{**self._by_id, stored.key.id: stored}.values()])
        return stored.key

    async def _read_for(self, by: Principal) -> Principal:
        """Who asked, as they stand now: while they waited, another gateway may have ended their key.

        Raises AuthenticationFailed.
        """
        await self._read()
        stored = self._by_id.get(by.key)
        if stored is not None:
            keys.check_valid(stored, stored.digest, self._clock.now())
            return _principal(stored.key)
        if by.key not in _FIXED and not (by == Principal() and self.lets_anybody_in):
            raise AuthenticationFailed(f"{by.key} may not manage keys any more")
        return by

    async def _read(self) -> None:
        """The stamp first: what changes between the two is read once more, never missed."""
        stamp = await self._store.keys_stamp()
        if stamp != self._stamp:
            self._know(await self._store.keys())
            self._stamp = stamp

    def _know(self, stored: Sequence[StoredKey]) -> None:
        """These keys and no others. Where there once is a key, nobody gets in without any more."""
        known: dict[bytes, _Known] = {}
        for each in stored:
            principal = _principal(each.key)
            digests = (each.digest,) if each.previous is None else (each.digest, each.previous)
            known.update(dict.fromkeys(digests, (each, principal)))
        self._by_id = {each.key.id: each for each in stored}
        self._by_digest = known
        self._closed = self._closed or bool(stored)


def _principal(key: Key) -> Principal:
    return Principal(key.organisation, key.id, grant=key.grant)
