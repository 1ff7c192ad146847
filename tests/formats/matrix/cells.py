"""What becomes of each feature on the way from each client to each upstream: tried, not told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.formats.matrix.features import SHORTEST, UPSTREAMS, Feature, Upstream, features

from pointsman.errors import Inexpressible
from pointsman.formats.registry import CLIENTS
from pointsman.types import FormatName, Json, Outbound

Fate: TypeAlias = Literal["passes through", "translated", "left out", "refused with", "LOST"]

#: Set by Pointsman in a request that passes through.
_OURS = frozenset({"model", "stream_options"})


@dataclass(frozen=True)
class Cell:
    """What became of a feature."""

    fate: Fate
    #: Names of what was left out.
    left_out: tuple[str, ...] = ()
    #: The words of a refusal.
    words: str = ""
    #: The parameter that a refusal names.
    param: str | None = None


def cells() -> Iterator[tuple[Feature, FormatName, Upstream, Cell]]:
    """Every cell of the matrix."""
    for upstream in UPSTREAMS:
        for feature in features():
            for client in SHORTEST:
                if client in feature.says:
                    yield feature, client, upstream, tried(feature, client, upstream)


def tried(
    feature: Feature, client: FormatName, upstream: Upstream, drop: frozenset[str] = frozenset()
) -> Cell:
    """The feature, asked for by a client and written for an upstream.

    `LOST` is what may not happen: neither said, nor refused, nor left out by name.
    """
    request = CLIENTS[client].parse(feature.body(client))
    try:
        outbound = upstream.speech(drop).outbound(request)
    except Inexpressible as error:
        return Cell("refused with", words=str(error), param=error.param)
    if outbound.format == client:
        passed = _is_unchanged(feature.body(client), outbound.body)
        return Cell("passes through" if passed else "LOST", outbound.left_out)
    words, wrong = feature.words(upstream), upstream.pick(feature.unheard)
    heard = words is not None and holds(_said(outbound), words)
    if not (wrong is not None and holds(_said(outbound), wrong)):
        if heard:
            return Cell("translated", outbound.left_out)
        if outbound.left_out:
            return Cell("left out", outbound.left_out)
    return Cell("LOST", outbound.left_out)


def holds(value: Json, part: Json) -> bool:
    """Whether `part` is in `value`: members of objects, and elements of arrays in their order."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(
            name in value and holds(value[name], each) for name, each in part.items()
        )
    if isinstance(part, list):
        rest = iter(value if isinstance(value, list) else [])
        return all(any(holds(each, wanted) for each in rest) for wanted in part)
    return value == part and type(value) is type(part)


def _said(outbound: Outbound) -> Json:
    """What an upstream gets; some formats say in the path that a stream is wanted."""
    body: dict[str, Json] = json.loads(outbound.body)
    return body | {"(streamed)": outbound.stream}


def _is_unchanged(sent: bytes, got: bytes) -> bool:
    before, after = json.loads(sent), json.loads(got)
    return before.keys() <= after.keys() <= before.keys() | _OURS and all(
        after[name] == each for name, each in before.items() if name not in _OURS
    )
