"""Providers by name, as data: `data/presets.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from pointsman import data
from pointsman.formats.chat.quirks import Quirks
from pointsman.types import FormatName

DialectName: TypeAlias = Literal["openai", "anthropic", "gemini", "ollama", "azure"]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider."""

    dialect: DialectName = "openai"
    base_url: str | None = None
    #: Variables that may hold the key, in this order.
    keys: tuple[str, ...] = ()
    #: What its server takes, the preferred one first; the dialect's own where empty.
    formats: tuple[FormatName, ...] = ()
    #: Its name in genai-prices.
    prices: str | None = None
    #: Models that are used where only its key is known: of the middle tier and of the highest.
    cheap: str | None = None
    strong: str | None = None
    #: How its chat format differs.
    quirks: Quirks = Quirks()


@lru_cache(maxsize=1)
def presets() -> Mapping[str, Preset]:
    """Every preset by name."""
    return msgspec.convert(tomllib.loads(data.read_presets()), dict[str, Preset])
