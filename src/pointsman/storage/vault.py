"""Secrets encrypted at rest: AES-256-GCM, each bound to its place."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING

from pointsman.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Bytes of a key.
KEY_BYTES = 32
#: The form of what is sealed: this byte, the key's id, a nonce, then cipher text and tag.
_VERSION = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _ID_BYTES + _NONCE_BYTES


def new_key() -> str:
    """A key for `Vault.parse`: 256 random bits in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


class Vault:
    """Seals with the first of its keys and opens with any of them. See `ports.Sealer`."""

    def __init__(self, *keys: bytes) -> None:
        """Keys of KEY_BYTES each. Raises ConfigError where there is no library for it."""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                "encrypting providers' keys needs: pip install 'pointsman[tenants]'"
            ) from error
        self._ciphers: dict[bytes, AESGCM] = {_id(key): AESGCM(key) for key in keys}
        self._first = _id(keys[0]) if keys else None

    @classmethod
    def parse(cls, text: str) -> Vault:
        """Keys in base64 with commas between them, the one to seal with first.

        Raises ConfigError, which never says any of them.
        """
        return cls(*(_decoded(each.strip()) for each in text.split(",")))

    def seal(self, text: str, place: str) -> bytes:
        """See `ports.Sealer`."""
        if self._first is None:
            raise ConfigError("there is no key to encrypt with")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self._first].encrypt(nonce, text.encode(), place.encode())
        return _VERSION + self._first + nonce + cipher

    def unseal(self, sealed: bytes, place: str) -> str:
        """See `ports.Sealer`."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        key_id, nonce = _key_id(sealed), sealed[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES]
        cipher = self._ciphers.get(key_id)
        if cipher is None or sealed[:1] != _VERSION:
            raise ConfigError(f"{place} is encrypted with a key that is not here ({key_id.hex()})")
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigError(f"{place} was changed, or was encrypted for another place") from error

    def is_current(self, sealed: bytes) -> bool:
        """See `ports.Sealer`."""
        return _key_id(sealed) == self._first


def _key_id(sealed: bytes) -> bytes:
    return sealed[len(_VERSION) : len(_VERSION) + _ID_BYTES]


def _id(key: bytes) -> bytes:
    """Tells keys apart, and nothing else of them."""
    return hashlib.sha256(b"pointsman encryption key\0" + key).digest()[:_ID_BYTES]


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(
            text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True
        )
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            "[tenants] encryption_key must be 32 random bytes in base64, several with commas "
            "between them; `pointsman db new-encryption-key` prints one"
        )
    return key
