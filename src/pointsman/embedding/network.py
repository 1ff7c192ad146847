"""The MiniLM network on onnxruntime: word pieces in, one vector for each out.

numpy and onnxruntime are imported when a network is loaded, as nobody else needs them here.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pointsman.errors import CacheUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Network(Protocol):
    """What turns word pieces into vectors."""

    def __call__(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        """The last hidden states, one row for each piece. Raises CacheUnavailable."""


def load_network(model: Path) -> Network:
    """The network of a model file, computed by the calling thread alone.

    Raises FileNotFoundError, or ValueError for what is no such file; and CacheUnavailable where
    onnxruntime is not installed.
    """
    if not model.is_file():
        raise FileNotFoundError(model)
    try:
        import numpy as np  # noqa: PLC0415 - see above
        import onnxruntime  # noqa: PLC0415
    except ImportError as error:
        raise CacheUnavailable(
            "the embedder minilm needs onnxruntime; run: pip install 'pointsman[semantic]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a plan for each length that ever came, and 7 MB more
    options.log_severity_level = 3  # errors, which are raised as well
    if _adds_up_in_16_bits():
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        session = onnxruntime.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # four times as slow as its parts
        )
    except Exception as error:  # it has a dozen of its own without a common base
        raise ValueError(f"{model.name}: {error}") from error

    def run(pieces: Sequence[int]) -> NDArray[np.float32]:
        try:
            (states,) = session.run(["states"], {"pieces": np.array([pieces], dtype=np.int64)})
        except Exception as error:  # likewise
            raise CacheUnavailable(f"minilm failed: {error}") from error
        hidden: NDArray[np.float32] = states[0]
        return hidden

    return run


def _adds_up_in_16_bits() -> bool:
    """Whether products of bytes may overflow: on x86 processors without VNNI.

    onnxruntime then computes with wider numbers, and takes longer; left alone it is wrong in
    silence. Elsewhere than on Linux it is taken for granted.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    known = Path("/proc/cpuinfo")
    return not known.is_file() or "vnni" not in known.read_text(encoding="utf-8")
