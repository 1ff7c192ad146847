"""Who a request says that it is for."""

import pytest

from pointsman.access.end_users import is_name, named


@pytest.mark.parametrize("user", ["ann", "Ann from Łódź", "x" * 128, "a:pointsman:judge"])
def test_a_name_is_shown_as_it_is(user: str):
    assert is_name(user)
    assert named(user) == user


@pytest.mark.parametrize("user", ["x" * 129, "two\nlines", "pointsman:judge", "pointsman:"])
def test_any_other_has_its_hash(user: str):
    """Nobody asks in the gateway's own name: what it spends for itself is counted by that."""
    assert not is_name(user)
    found = named(user)
    assert found is not None
    assert found.startswith("sha256:")
    assert is_name(found)


def test_nobody_is_nobody():
    assert named(None) is None
