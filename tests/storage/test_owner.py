"""Who holds a file, and the note that lets the command line in."""

import json
from pathlib import Path

import pytest

from pointsman.errors import ConfigError
from pointsman.storage.owner import Claim, owner

ADDRESS = "http://127.0.0.1:7070"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pointsman.db"


def test_a_claim_says_where_its_holder_listens_and_lets_its_user_in(file: Path) -> None:
    assert owner(file) is None

    claim = Claim(file, address=ADDRESS)

    held = owner(file)
    assert held is not None
    assert held.address == ADDRESS
    assert held.token is not None
    assert len(held.token) >= 43
    assert held.token not in repr(held)
    with pytest.raises(ConfigError, match=ADDRESS) as refused:
        Claim(file)
    assert held.token not in str(refused.value)
    claim.release()
    assert owner(file) is None


def test_each_run_has_a_token_of_its_own(file: Path) -> None:
    tokens = set()
    for _ in range(3):
        claim = Claim(file, address=ADDRESS)
        tokens.add(owner(file).token)
        claim.release()

    assert len(tokens) == 3


def test_who_does_not_listen_lets_nobody_in(file: Path) -> None:
    claim = Claim(file)

    assert owner(file).token is None
    claim.release()


def test_the_note_is_for_its_user_alone(file: Path) -> None:
    note = file.with_name("pointsman.db.owner")
    note.with_name(f"{note.name}.new").write_text("left behind by a crash")
    note.with_name(f"{note.name}.new").chmod(0o666)

    claim = Claim(file, address=ADDRESS)

    assert note.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(note.read_bytes())) == {"pid", "address", "token"}
    claim.release()
    assert not note.exists()
