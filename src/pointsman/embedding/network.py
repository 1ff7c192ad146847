"""The MiniLM network on onnxruntime: word pieces in, one vector for each out.

numpy and onnxruntime are imported when a network is loaded, as nobody else needs them here.
"""

from __future__ import annotations

import ctypes
import sys
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
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it has a dozen of its own without a common base
        raise ValueError(f"{model.name}: {error}") from error
    _give_back_memory()

    def run(pieces: Sequence[int]) -> NDArray[np.float32]:
        ids = np.array([pieces], dtype=np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        try:
            (states,) = session.run(["last_hidden_state"], feed)
        except Exception as error:  # likewise
            raise CacheUnavailable(f"minilm failed: {error}") from error
        hidden: NDArray[np.float32] = states[0]
        return hidden

    return run


def _give_back_memory() -> None:
    """To the system, what loading needed for a moment: 59 MB, which glibc would keep."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
