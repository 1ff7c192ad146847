"""Secrets at rest."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import ConfigError
from pointsman.storage.vault import Vault, new_key

ONE, TWO = bytes(range(32)), bytes(range(1, 33))
SECRET = "sk-canary-0123456789abcdef"  # noqa: S105 - made up


@given(text=st.text(st.characters(codec="utf-8")), place=st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_is_opened_at_its_place_and_nowhere_else(text: str, place: str):
    vault = Vault(ONE)
    sealed = vault.seal(text, place)

    assert vault.unseal(sealed, place) == text
    assert sealed != vault.seal(text, place)
    with pytest.raises(ConfigError, match="another place"):
        vault.unseal(sealed, f"{place}.")


@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_nothing_of_it_can_be_changed(at: int, bit: int):
    sealed = bytearray(Vault(ONE).seal(SECRET, "acme openai"))
    sealed[at % len(sealed)] ^= 1 << bit

    with pytest.raises(ConfigError):
        Vault(ONE).unseal(bytes(sealed), "acme openai")


def test_keys_are_rotated():
    old, both, new = Vault(ONE), Vault(TWO, ONE), Vault(TWO)
    sealed = old.seal(SECRET, "place")

    assert SECRET.encode() not in sealed
    assert (old.is_current(sealed), both.is_current(sealed)) == (True, False)
    again = both.seal(both.unseal(sealed, "place"), "place")
    assert new.is_current(again)
    assert new.unseal(again, "place") == SECRET
    with pytest.raises(ConfigError, match="a key that is not here"):
        new.unseal(sealed, "place")


def test_keys_as_people_write_them():
    plain, url = base64.b64encode(b"\xff" * 32).decode(), base64.urlsafe_b64encode(b"\xff" * 32)
    sealed = Vault.parse(plain).seal(SECRET, "place")

    assert Vault.parse(f"{new_key()}, {url.decode()}").unseal(sealed, "place") == SECRET


@pytest.mark.parametrize("text", ["", "short", "=", new_key()[:-4], f"{new_key()},"])
def test_what_is_no_key_is_not_repeated(text: str):
    with pytest.raises(ConfigError) as refused:
        Vault.parse(text)

    assert not text or text not in str(refused.value)


def test_truncated_and_empty():
    for sealed in (b"", b"\x01", Vault(ONE).seal("", "place")[:30]):
        with pytest.raises(ConfigError):
            Vault(ONE).unseal(sealed, "place")


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(ConfigError, match="no key to encrypt with"):
        Vault().seal(SECRET, "place")
