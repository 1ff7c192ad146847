"""A BERT of int8 weights, as onnxruntime multiplies them fastest.

A published file may hold bytes only to be small, and turn them into floats before it multiplies.
Here the same weights come into a graph of onnxruntime's own operators: bytes are multiplied by
bytes, one sequence at a time, without mask or padding. That takes two fifths of the time and of
the memory; `docs/decisions/0012` says how near the result is to that in floats.

numpy and onnx are imported when a network is converted, as nobody else needs them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pointsman.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32 | np.int8 | np.int64]

#: As the `config.json` of sentence-transformers/all-MiniLM-L6-v2 has them.
_LAYERS, _HEADS, _EPSILON = 6, 12, 1e-12
_OF_ONNXRUNTIME = "com.microsoft"
_OPERATORS_OF_ONNXRUNTIME = {"BiasGelu", "DynamicQuantizeMatMul", "MultiHeadAttention"}
#: Of both sets of operators, and of the file's format: old enough for onnxruntime 1.17.
_VERSION, _THEIR_VERSION, _FORMAT = 18, 1, 9


def convert(source: Path, target: Path) -> None:
    """Write the network of `source` to `target`: int64 `pieces` [1, n] to `states` [1, n, width].

    `source` is all-MiniLM-L6-v2 as PyTorch exports it, with the bytes of each matrix in `*_q` and
    their scales in `*_scale`. Raises ConfigError where the package onnx is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - see above
    except ImportError as error:
        raise ConfigError(
            "these weights are converted by the package onnx; "
            "run: pip install 'pointsman[semantic]', and pull again"
        ) from error
    weights = _Weights.of(onnx.load(source).graph)
    onnx.save(_network(weights), target)


class _Matrix(msgspec.Struct, frozen=True):
    """`x @ (values * scales) + bias`, with a scale for each column."""

    values: Numbers
    scales: Numbers
    bias: Numbers

    @classmethod
    def side_by_side(cls, parts: Sequence[_Matrix]) -> _Matrix:
        """What gives all their columns at once."""
        import numpy as np  # noqa: PLC0415 - see above

        return cls(
            np.concatenate([part.values for part in parts], axis=1),
            np.concatenate([part.scales for part in parts]),
            np.concatenate([part.bias for part in parts]),
        )


class _Weights(msgspec.Struct, frozen=True):
    """What a published file holds, by the names of PyTorch's modules."""

    constants: dict[str, Numbers]
    matrices: dict[str, _Matrix]

    @classmethod
    def of(cls, graph: onnx.GraphProto) -> _Weights:
        """A matrix has no name of its own: it is known by the bias that is added after it."""
        from onnx import numpy_helper  # noqa: PLC0415 - see above

        constants = {
            each.name.removeprefix("inner."): numpy_helper.to_array(each)
            for each in graph.initializer
        }
        factor = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
        matrices = {}
        for node in graph.node:
            for bias in node.input:
                product = next((name for name in node.input if name in factor), None)
                name = bias.removeprefix("inner.")
                if node.op_type == "Add" and product and name.endswith(".bias"):
                    matrix = factor[product]
                    matrices[name.removesuffix(".bias")] = _Matrix(
                        constants[f"{matrix}_q"],
                        constants[f"{matrix}_scale"].reshape(-1),
                        constants[name],
                    )
        return cls(constants, matrices)


class _Graph:
    """A graph in the making; values go by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: Numbers | list[int] | float) -> str:
        import numpy as np  # noqa: PLC0415 - see above
        from onnx import numpy_helper  # noqa: PLC0415

        if isinstance(values, float):
            values = np.array([values], dtype=np.float32)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def split(self, operator: str, *inputs: str, into: int, **attributes: float) -> list[str]:
        """What an operator with several outputs gives."""
        from onnx import helper  # noqa: PLC0415 - see above

        name = f"{operator}_{len(self.nodes)}"
        outputs = [f"{name}.{at}" for at in range(into)]
        domain = _OF_ONNXRUNTIME if operator in _OPERATORS_OF_ONNXRUNTIME else ""
        node = helper.make_node(operator, inputs, outputs, name, domain=domain)
        node.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
        self.nodes.append(node)
        return outputs

    def give(self, operator: str, *inputs: str, **attributes: float) -> str:
        """What an operator with one output gives."""
        return self.split(operator, *inputs, into=1, **attributes)[0]

    def product(self, x: str, matrix: _Matrix, *, biased: bool = True) -> str:
        """`x` is rounded to bytes, by one scale."""
        bias = ("", self.constant(matrix.bias)) if biased else ()
        values, scales = self.constant(matrix.values), self.constant(matrix.scales)
        return self.give("DynamicQuantizeMatMul", x, values, scales, *bias)

    def product_by_rows(self, x: str, largest: str, matrix: _Matrix) -> str:
        """`x` is rounded row by row, without the bias: `largest` is what each row is scaled by.

        Single pieces have values ten times those of all others, whose bytes would say nothing.
        """
        product = self.product(self.give("Div", x, largest), matrix, biased=False)
        return self.give("Mul", product, largest)

    def normalised(self, x: str, weights: _Weights, module: str) -> str:
        return self.give(
            "LayerNormalization",
            x,
            self.constant(weights.constants[f"{module}.weight"]),
            self.constant(weights.constants[f"{module}.bias"]),
            axis=-1,
            epsilon=_EPSILON,
        )


def _network(weights: _Weights) -> onnx.ModelProto:
    from onnx import TensorProto, helper  # noqa: PLC0415 - see above

    graph = _Graph()
    states = _embedded(graph, weights)
    for layer in range(_LAYERS):
        states = _attended(graph, weights, f"encoder.layer.{layer}", states)
        states = _thought(graph, weights, f"encoder.layer.{layer}", states)
    graph.nodes[-1].output[0] = "states"
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [helper.make_tensor_value_info("pieces", TensorProto.INT64, [1, "n"])],
            [helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "n", "width"])],
            graph.constants,
        ),
        opset_imports=[
            helper.make_opsetid("", _VERSION),
            helper.make_opsetid(_OF_ONNXRUNTIME, _THEIR_VERSION),
        ],
        ir_version=_FORMAT,
    )


def _embedded(graph: _Graph, weights: _Weights) -> str:
    """The rows of the pieces; only those become floats."""
    import numpy as np  # noqa: PLC0415 - see above
    from onnx import TensorProto  # noqa: PLC0415

    known = weights.constants
    table, scales = (
        graph.give("Gather", graph.constant(known[f"embeddings.word_embeddings.{each}"]), "pieces")
        for each in ("weight_q", "weight_scale")
    )
    words = graph.give("Mul", graph.give("Cast", table, to=TensorProto.FLOAT), scales)
    places = (
        known["embeddings.position_embeddings.weight_q"].astype(np.float32)
        * known["embeddings.position_embeddings.weight_scale"]
        + known["embeddings.token_type_embeddings.weight"][0]  # there is only one text
    )
    zero = graph.constant([0])
    length = graph.give("Shape", "pieces", start=1)
    place = graph.give("Slice", graph.constant(places), zero, length, zero)
    return graph.normalised(graph.give("Add", words, place), weights, "embeddings.LayerNorm")


def _attended(graph: _Graph, weights: _Weights, layer: str, states: str) -> str:
    parts = [
        weights.matrices[f"{layer}.attention.self.{each}"] for each in ("query", "key", "value")
    ]
    asked = graph.product(states, _Matrix.side_by_side(parts))
    attention = graph.give(
        "MultiHeadAttention",
        *graph.split("Split", asked, into=len(parts), axis=-1, num_outputs=len(parts)),
        num_heads=_HEADS,
    )
    found = graph.product(attention, weights.matrices[f"{layer}.attention.output.dense"])
    return graph.normalised(
        graph.give("Add", found, states), weights, f"{layer}.attention.output.LayerNorm"
    )


def _thought(graph: _Graph, weights: _Weights, layer: str, states: str) -> str:
    wide, narrow = (
        weights.matrices[f"{layer}.{each}.dense"] for each in ("intermediate", "output")
    )
    last = graph.constant([-1])
    largest = graph.give("ReduceMax", graph.give("Abs", states), last)
    inner = graph.give(
        "BiasGelu", graph.product_by_rows(states, largest, wide), graph.constant(wide.bias)
    )
    # GELU gives nothing below -.17: no need to look at absolute values.
    largest = graph.give("Max", graph.give("ReduceMax", inner, last), graph.constant(0.1))
    outer = graph.give(
        "Add", graph.product_by_rows(inner, largest, narrow), graph.constant(narrow.bias)
    )
    return graph.normalised(graph.give("Add", outer, states), weights, f"{layer}.output.LayerNorm")
