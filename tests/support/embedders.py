"""Embedders to test with."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import pytest

from pointsman.providers.scripted import Script, ScriptedProvider
from pointsman.types import Outbound, Vector
from pointsman.weights import WeightsStore


def minilm_weights() -> Path:
    """The folder of MiniLM's weights; skips the test where they are not on this machine."""
    home = os.environ.get("POINTSMAN_TEST_HOME") or platformdirs.user_data_dir("pointsman")
    found = WeightsStore(Path(home)).find("minilm")
    if found is None:
        pytest.skip("needs weights: pointsman models pull minilm (`make test-full` does it)")
    return found


class ScriptedAsk:
    """Asks a scripted provider for embeddings, as the gateway asks a deployment."""

    def __init__(self, script: Script | None = None) -> None:
        self.provider = ScriptedProvider("embedder", script=script)

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        body = json.dumps({"model": "embedder", "input": [*texts]}).encode()
        reply = await self.provider.open(Outbound("embeddings", "embedder", body))
        answer = json.loads(b"".join([chunk async for chunk in reply.chunks]))
        return [each["embedding"] for each in answer["data"]]


def cosine(one: Vector | None, other: Vector | None) -> float:
    """Of two vectors of length 1."""
    assert one is not None
    assert other is not None
    return sum(a * b for a, b in zip(numbers(one), numbers(other), strict=True))


def numbers(vector: Vector) -> tuple[float, ...]:
    return struct.unpack(f"<{vector.size}f", vector.data)
