"""Make the table of word vectors: `python -m train.meaning --model DIR [--data DIR] [--check]`.

Writes `src/pointsman/data/meaning.npz`. MiniLM (Apache-2.0, `pointsman models pull minilm`) reads
each piece of its vocabulary alone; the vectors are rotated to their main axes, of which the first
`SIZE` are kept, weighed by how rare the piece is, and rounded to `LEVELS` steps either way. Taken
off is what prompts have in common: the mean vector of the sources that may ship, families counting
alike. `--check` compares with what is there instead; a step more or less is rounding.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from pointsman.embedding.reader import Reader
from pointsman.scoring.meaning import Meaning
from train.data import Source, data_folder, load

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

WRITTEN = Path(__file__).parents[1] / "src" / "pointsman" / "data" / "meaning.npz"
SIZE = 64
LEVELS = 4
#: How often a word may occur before it counts less than half (Arora et al., ICLR 2017).
COMMON = 1e-3
#: The vocabulary begins with marks and unused places; words stand by how often they occur (Zipf).
_MARKS, _ZIPF_SHIFT = 995, 2.7
_PROMPTS = 2_000  # of a source, at most, for what prompts have in common
_ALIKE = 0.999


def read_vectors(folder: Path) -> tuple[list[str], Array, Array]:
    """The pieces that texts can have, the network's vector of each, and how much each counts."""
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    numbers: dict[str, int] = document["model"]["vocab"]
    model = Reader(folder, kept_bytes=0).load()
    kept = [name for name in sorted(numbers, key=numbers.__getitem__) if not _is_mark(name)]
    states = [model.network(model.pieces.numbered([name])).mean(axis=0) for name in kept]
    often = 1.0 / (np.maximum(1.0, np.arange(len(numbers)) - _MARKS) + _ZIPF_SHIFT)
    counts = COMMON / (COMMON + often / often.sum())
    return kept, np.array(states, dtype=np.float64), counts[[numbers[name] for name in kept]]


def _is_mark(piece: str) -> bool:
    return len(piece) > 1 and piece.startswith("[") and piece.endswith("]")


def tabled(names: Sequence[str], states: Array, counts: Array, sources: Sequence[Source]) -> bytes:
    """The file."""
    centred = states - states.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # an axis has no sign of its own: its largest number is to be positive
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    rotated = centred @ (axes * signs[:, None])[:SIZE].T
    usual = _usual(names, rotated, counts, sources)
    return _packed(names, (rotated - usual) * counts[:, None])


def _usual(names: Sequence[str], rotated: Array, counts: Array, sources: Sequence[Source]) -> Array:
    """The mean of prompts' vectors."""
    reader = Meaning.parse(_packed(names, rotated))
    places = {name: place for place, name in enumerate(names)}
    families: dict[str, list[Array]] = {}
    for source in sources:
        rows = source.rows[:: max(1, len(source.rows) // _PROMPTS)]
        read = [
            [places[piece] for piece in pieces]
            for row in rows
            if (pieces := reader.read(row.prompt))
        ]
        found = [counts[each] @ rotated[each] / counts[each].sum() for each in read]
        families.setdefault(source.family, []).append(np.mean(found, axis=0))
    return np.asarray(np.mean([np.mean(each, axis=0) for _, each in sorted(families.items())], 0))


def _packed(names: Sequence[str], rows: Array) -> bytes:
    scale = np.abs(rows).max(axis=1) / LEVELS
    table = np.rint(rows / scale[:, None]).astype(np.int8)
    file = BytesIO()
    np.savez_compressed(
        file,
        pieces=np.frombuffer("\n".join(names).encode(), np.uint8),
        table=table,
        scale=scale.astype(np.float16),
    )
    return file.getvalue()


def alike(one: bytes, other: bytes) -> bool:
    """Whether two files hold the same, but for rounding."""
    a, b = np.load(BytesIO(one)), np.load(BytesIO(other))
    if bytes(a["pieces"]) != bytes(b["pieces"]) or a["table"].shape != b["table"].shape:
        return False
    apart = np.abs(a["table"].astype(int) - b["table"])
    return bool(apart.max() <= 1 and (apart == 0).mean() >= _ALIKE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make and write, or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", required=True, type=Path, help="the folder with MiniLM's weights"
    )
    parser.add_argument("--data", help="the folder with routing/")
    parser.add_argument("--check", action="store_true", help="compare with the file in the package")
    options = parser.parse_args(arguments)
    shipped = [source for source in load(data_folder(options.data)) if source.may_ship]
    made = tabled(*read_vectors(options.model), shipped)
    if not options.check:
        WRITTEN.write_bytes(made)
        return 0
    same = alike(WRITTEN.read_bytes(), made)
    sys.stdout.write(f"{WRITTEN.name}: {'as made' if same else 'differs from what was made'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
