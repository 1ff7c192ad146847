"""A network that turns its bytes into floats, and the one it becomes, which multiplies bytes."""

from __future__ import annotations

import sys
from math import erf
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pointsman.embedding.network import load_network
from pointsman.errors import ConfigError
from pointsman.weights.bert import convert

onnx = pytest.importorskip("onnx", reason="not on Intel Macs")
pytest.importorskip("onnxruntime", reason="not on Intel Macs")

LAYERS, WIDTH, INNER, WORDS, PLACES = 6, 48, 96, 40, 32
PIECES = [2, 7, 1, 30, 39, 7, 3]

Floats = NDArray[np.float32]


class Published:
    """A network as PyTorch exports it: as a file, and computed here in floats."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[np.generic]] = {}
        table = self.as_bytes("embeddings.word_embeddings.weight", (WORDS, WIDTH), axis=1)
        places = self.as_bytes("embeddings.position_embeddings.weight", (PLACES, WIDTH), axis=1)
        types = self.plain("embeddings.token_type_embeddings.weight", (2, WIDTH))
        self.x = table[PIECES] + places[: len(PIECES)] + types[0]
        self.x = self.normalised("embeddings.LayerNorm", self.x)
        for layer in range(LAYERS):
            self.attend(f"encoder.layer.{layer}")
            self.think(f"encoder.layer.{layer}")

    def save(self, path: Path) -> Path:
        constants = [onnx.numpy_helper.from_array(v, k) for k, v in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "published", [], [], constants)
        onnx.save(onnx.helper.make_model(graph), path)
        return path

    def attend(self, layer: str) -> None:
        names = ("query", "key", "value")
        query, key, value = (
            self.linear(f"{layer}.attention.self.{name}", self.x, WIDTH).reshape(
                len(PIECES), 12, -1
            )
            for name in names
        )
        scores = np.einsum("ihd,jhd->hij", query, key) / np.sqrt(WIDTH / 12)
        shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        found = np.einsum("hij,jhd->ihd", shares, value).reshape(len(PIECES), WIDTH)
        found = self.linear(f"{layer}.attention.output.dense", found, WIDTH)
        self.x = self.normalised(f"{layer}.attention.output.LayerNorm", found + self.x)

    def think(self, layer: str) -> None:
        inner = self.linear(f"{layer}.intermediate.dense", self.x, INNER)
        inner = 0.5 * inner * (1 + np.vectorize(erf)(inner / np.sqrt(2)))
        outer = self.linear(f"{layer}.output.dense", inner, WIDTH)
        self.x = self.normalised(f"{layer}.output.LayerNorm", outer + self.x)

    def linear(self, name: str, x: Floats, width: int) -> Floats:
        """A matrix that has a number, and a bias that has the name."""
        number = f"val_{len(self.nodes)}"
        matrix = self.as_bytes(number, (x.shape[1], width), axis=0, inner="")
        bias = self.plain(f"{name}.bias", (width,))
        self.nodes += [
            onnx.helper.make_node("MatMul", ["any", number], [f"{number}_product"]),
            onnx.helper.make_node("Add", [f"{number}_product", f"inner.{name}.bias"], [name]),
        ]
        return x @ matrix + bias

    def normalised(self, name: str, x: Floats) -> Floats:
        weight, bias = (self.plain(f"{name}.{each}", (WIDTH,)) for each in ("weight", "bias"))
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12) * weight + bias

    def plain(self, name: str, shape: tuple[int, ...]) -> Floats:
        values = self.random.normal(size=shape).astype(np.float32)
        self.constants[f"inner.{name}"] = values
        return values

    def as_bytes(
        self, name: str, shape: tuple[int, int], *, axis: int, inner: str = "inner."
    ) -> Floats:
        """Scaled along an axis."""
        values = self.random.normal(size=shape).astype(np.float32) / np.float32(shape[0] ** 0.5)
        scales = np.abs(values).max(axis=axis, keepdims=True) / 127
        whole = np.rint(values / scales).astype(np.int8)
        self.constants |= {f"{inner}{name}_q": whole, f"{inner}{name}_scale": scales}
        return whole * scales


def test_what_it_says_is_nearly_the_same(tmp_path: Path) -> None:
    published = Published()

    convert(published.save(tmp_path / "model.onnx"), tmp_path / "network.onnx")
    states = load_network(tmp_path / "network.onnx")(PIECES)

    assert states.shape == (len(PIECES), WIDTH)
    lengths = np.linalg.norm(states, axis=1) * np.linalg.norm(published.x, axis=1)
    assert ((states * published.x).sum(axis=1) / lengths).min() > 0.99


def test_it_is_the_same_file_each_time(tmp_path: Path) -> None:
    source = Published().save(tmp_path / "model.onnx")
    convert(source, tmp_path / "one.onnx")
    convert(source, tmp_path / "two.onnx")

    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_without_the_package_onnx_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # as where it is not installed

    with pytest.raises(ConfigError, match=r"pip install 'pointsman\[semantic\]'"):
        convert(tmp_path / "model.onnx", tmp_path / "network.onnx")
