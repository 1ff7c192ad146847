"""The keys that are valid, in memory: no request waits for a database to be let in."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from pointsman.access import keys
from pointsman.access.allowances import NOTHING_STATED, Stated, bounded
from pointsman.access.authenticate import refuse_foreign_pages, shown_key
from pointsman.access.permissions import require
from pointsman.access.wishes import KeyChange, NewKey, Rotation
from pointsman.errors import AuthenticationFailed, BadRequest, LedgerUnavailable, Unavailable
from pointsman.ports import Clock, KeyStore
from pointsman.types import Key, Principal, StoredKey

_log = logging.getLogger("pointsman.access")
#: With who asks; a member's role may change without the key.
_Known = tuple[StoredKey, Principal | None]
#: Of an organisation's, as many as its own admins may make: each takes memory in every gateway.
_MOST_KEYS = 1000
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
    known with the next `refresh`. While the store is down the keys that are known stay valid for a
    while; nobody is told that a key is wrong whom the store may know.
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
        lasting_s: float = math.inf,
        roles: keys.Roles = keys.no_members,
        is_former: Callable[[str], bool] = lambda _: False,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`static` is a key from the configuration, `operator` the command line's own: admins.

        `local`: only this machine can reach the gateway, so that anybody may ask as long as there
        is no key; but web pages only from `origins`. `lasting_s`: for how long keys stay valid that
        the store can't be asked for. `roles` are those of organisations' members;
        `is_former` says whether one of that id was removed.
        """
        self._store = store
        self._clock = clock
        self._origins = frozenset(origins)
        self._local = local
        self._roles = roles
        self._is_former = is_former
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
        self._lasting_s = lasting_s
        #: When the store was last read, in monotonic seconds.
        self._read_at = clock.monotonic()
        self._changing = asyncio.Lock()
        #: What the settings state of limits and budgets, by key id.
        self.stated: Mapping[str, Stated] = {}
        #: Called when a key was changed here: others are to look.
        self.changed: Callable[[], None] | None = None

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
        as there is none, for what a web page from elsewhere had a browser send. LedgerUnavailable
        where nobody can tell.
        """
        if self.lets_anybody_in:
            self._check_age()
            return self._anybody(headers)
        shown = shown_key(headers)
        if shown is None:
            raise AuthenticationFailed(
                "no API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`"
            )
        return self.holder(keys.digest(shown))

    def holder(self, digest: bytes) -> Principal:
        """Whose key has this digest.

        Raises AuthenticationFailed for a key that is wrong or valid no more, LedgerUnavailable
        where nobody can tell.
        """
        known = self._by_digest.get(digest)
        if known is not None:
            self._check_age()
            stored, principal = known
            keys.check_valid(stored, digest, self._clock.now())
            self._check_there(stored)
            return principal or keys.principal_of(stored.key, self._roles)
        fixed = self._among_the_fixed(digest)
        if fixed is None and self._failing:
            raise LedgerUnavailable("the API key is not known here, and the books can't be asked")
        if fixed is None:
            raise AuthenticationFailed("the API key is wrong")
        return fixed

    async def standing(self, by: Principal) -> Principal:
        """Who asks, as they stand now, also after what another gateway changed.

        Raises AuthenticationFailed, LedgerUnavailable.
        """
        async with self._changing:
            return await self._read_for(by)

    async def owner(self, key_id: str) -> Principal:
        """Who has the key of this id, for what was asked with it earlier, maybe at another gateway.

        Raises AuthenticationFailed where it is valid no more, LedgerUnavailable.
        """
        fixed = next((who for _, who in self._fixed if who.key == key_id), None)
        if fixed is not None:
            return fixed
        if key_id == Principal().key and self.lets_anybody_in:
            return Principal()
        if key_id not in self._by_id:  # it may have been made elsewhere just now
            await self.load()
        stored = self._by_id.get(key_id)
        if stored is not None:
            return self.holder(stored.digest)
        raise AuthenticationFailed("the key that asked for this is not valid any more")

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
            wish = keys.ending_with(wish, self._by_id.get(by.key))
            now, until = self._clock.now(), self._until(by)
            stored = keys.made(by, wish, key_id, text, now, roles=self._roles, until=until)
            self._check_room(by, stored.key.organisation)
            return NewSecret(await self._put(stored), text)

    async def change(self, by: Principal, key_id: str, wish: KeyChange) -> Key:
        """Change what the wish names. Raises NotFound, BadRequest, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            stored, now, until = self._seen(by, key_id), self._clock.now(), self._until(by)
            stated = self._stated_of(key_id)
            return await self._put(keys.changed(by, stored, wish, now, stated=stated, until=until))

    async def rotate(self, by: Principal, key_id: str, rotation: Rotation) -> NewSecret:
        """Give the key another secret. Raises NotFound, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            stored = self._seen(by, key_id)
            text = keys.key_text(key_id, self._random(keys.SECRET_BYTES))
            grace = timedelta(seconds=rotation.grace_s)
            now, until = self._clock.now(), self._until(by)
            stated = self._stated_of(key_id)
            anew = keys.rotated(by, stored, text, grace, now, stated=stated, until=until)
            return NewSecret(await self._put(anew), text)

    async def delete(self, by: Principal, key_id: str) -> None:
        """Forget the key. Raises NotFound, Forbidden, LedgerUnavailable."""
        async with self._changing:
            by = await self._read_for(by)
            keys.managed(by, self._seen(by, key_id).key, self._stated_of(key_id))
            await self._store.remove_key(key_id)
            self._know([each for each in self._by_id.values() if each.key.id != key_id])
            self._tell()

    def _stated_of(self, key_id: str) -> Stated:
        return self.stated.get(key_id, NOTHING_STATED)

    def _until(self, by: Principal) -> datetime | None:
        """When the key ends that somebody asks with; None is never."""
        stored = self._by_id.get(by.key)
        return None if stored is None else stored.key.expires

    def _check_room(self, by: Principal, organisation: str) -> None:
        """Raises BadRequest for an organisation that was removed, or has enough keys of its own."""
        if self._is_former(organisation):
            raise BadRequest(
                f"there was an organisation {organisation!r}, and the books still name it",
                param="organisation",
            )
        if not by.grant.everywhere and len(self.list(by)) >= _MOST_KEYS:
            raise BadRequest(f"an organisation has at most {_MOST_KEYS} keys")

    def _check_there(self, stored: StoredKey) -> None:
        """Raises AuthenticationFailed where its organisation was removed while it was made."""
        if self._is_former(stored.key.organisation):
            raise AuthenticationFailed(
                f"the organisation of the API key {stored.key.id} is no more"
            )

    def _check_age(self) -> None:
        """Raises LedgerUnavailable where what is known of keys is too old."""
        if self._clock.monotonic() - self._read_at > self._lasting_s:
            raise LedgerUnavailable("API keys could not be read for too long")

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
        self._tell()
        return stored.key

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    async def _read_for(self, by: Principal) -> Principal:
        """Who asked, as they stand now: while they waited, another gateway may have ended their key.

        Raises AuthenticationFailed, and Forbidden for who is no admin any more.
        """
        await self._read()
        stored = self._by_id.get(by.key)
        if stored is not None:
            keys.check_valid(stored, stored.digest, self._clock.now())
            self._check_there(stored)
            asking = keys.principal_of(stored.key, self._roles)
            by = replace(asking, grant=bounded(asking.grant, self._stated_of(by.key)))
            require(by, "manage")
            return by
        if by.key not in _FIXED and not (by == Principal() and self.lets_anybody_in):
            raise AuthenticationFailed(f"{by.key} may not manage keys any more")
        return by

    async def _read(self) -> None:
        """The stamp first: what changes between the two is read once more, never missed."""
        at = self._clock.monotonic()
        stamp = await self._store.keys_stamp()
        if stamp != self._stamp:
            self._know(await self._store.keys())
            self._stamp = stamp
        self._read_at = at

    def _know(self, stored: Sequence[StoredKey]) -> None:
        """These keys and no others. Where there once is a key, nobody gets in without any more."""
        known: dict[bytes, _Known] = {}
        for each in stored:
            principal = None if each.key.member else keys.principal_of(each.key, self._roles)
            digests = (each.digest,) if each.previous is None else (each.digest, each.previous)
            known.update(dict.fromkeys(digests, (each, principal)))
        self._by_id = {each.key.id: each for each in stored}
        self._by_digest = known
        self._closed = self._closed or bool(stored)
