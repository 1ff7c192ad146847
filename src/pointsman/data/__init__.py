"""What the package ships as data; read when asked for, never at import."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path


def read_lexicons() -> dict[str, str]:
    """The texts of the shipped cue lists by file stem (`en`, `de`, ...), for `Lexicon.parse`."""
    return _tomls("lexicons")


def read_guard() -> dict[str, str]:
    """The texts of the cache guard's word lists by file stem, for `Guard.parse`."""
    return _tomls("guard")


def read_presets() -> str:
    """The text of the shipped provider presets."""
    return (files(__name__) / "presets.toml").read_text(encoding="utf-8")


def read_side_calls() -> str:
    """The text of the shipped list of side calls, for `SideCalls.parse`."""
    return (files(__name__) / "side_calls.toml").read_text(encoding="utf-8")


def sample() -> AbstractContextManager[Path]:
    """The shipped sample of labelled rows, as a file; see its card, sample.md."""
    return as_file(files(__name__) / "sample.jsonl.gz")


def read_verifier() -> str:
    """The text of the shipped verifier's weights, for `Verifier.parse`."""
    return (files(__name__) / "verifier.json").read_text(encoding="utf-8")


def read_learned() -> str:
    """The text of the learned scorer's weights, for `LearnedScorer.parse`."""
    return (files(__name__) / "learned.json").read_text(encoding="utf-8")


def _tomls(folder: str) -> dict[str, str]:
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted((files(__name__) / folder).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def read_pairs() -> str:
    """The text of the weights of the cache's verifier, for `PairVerifier.parse`."""
    return (files(__name__) / "pairs.json").read_text(encoding="utf-8")


def read_meaning() -> bytes:
    """The table of word vectors, for `Meaning.parse`."""
    return (files(__name__) / "meaning.npz").read_bytes()


def read_belief() -> str:
    """The text of what is believed before any outcome, for `Belief.read`."""
    return (files(__name__) / "belief.json").read_text(encoding="utf-8")
