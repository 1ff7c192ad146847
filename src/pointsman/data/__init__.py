"""What the package ships as data; read when asked for, never at import."""

from __future__ import annotations

from importlib.resources import files


def read_lexicons() -> dict[str, str]:
    """The texts of the shipped cue lists by file stem (`en`, `de`, ...), for `Lexicon.parse`."""
    folder = files(__name__) / "lexicons"
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def read_presets() -> str:
    """The text of the shipped provider presets."""
    return (files(__name__) / "presets.toml").read_text(encoding="utf-8")


def read_side_calls() -> str:
    """The text of the shipped list of side calls, for `SideCalls.parse`."""
    return (files(__name__) / "side_calls.toml").read_text(encoding="utf-8")
