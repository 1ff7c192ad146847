"""The matrix as Markdown, for docs/reference/translation.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.formats.matrix.cells import Cell, tried
from tests.formats.matrix.features import SHORTEST, UPSTREAMS, Upstream, features
from tests.formats.matrix.replies import heard, reply_features
from tests.formats.relay import UPSTREAM_FORMATS, WRITTEN

from pointsman.types import FormatName

_CLIENTS: Mapping[FormatName, str] = {
    "chat": "chat",
    "completions": "completions",
    "responses": "responses",
    "messages": "messages",
    "ollama": "`/api/chat`",
    "ollama_generate": "`/api/generate`",
}
_TITLES = {each.name: each.title for each in UPSTREAMS}


def requests() -> str:
    """A table of features and clients for each upstream; where one varies, only what differs."""
    usual: dict[FormatName, list[list[str]]] = {}
    parts = []
    for upstream in UPSTREAMS:
        rows = [_row(name, upstream) for name in range(len(features()))]
        if upstream.format not in usual:
            usual[upstream.format] = rows
            parts.append(f"### To {upstream.title}\n\n{_table(SHORTEST, rows)}")
        else:
            other = [
                row for row, base in zip(rows, usual[upstream.format], strict=True) if row != base
            ]
            parts.append(f"#### {upstream.title}: what differs\n\n{_table(SHORTEST, other)}")
    return "\n".join(parts)


def replies() -> str:
    """A table of features and clients for each upstream's replies."""
    parts = []
    for upstream in UPSTREAM_FORMATS:
        rows = [
            [feature.name, *(heard(feature, upstream, client) for client in WRITTEN)]
            for feature in reply_features()
            if upstream in feature.says
        ]
        parts.append(f"### From {_TITLES[upstream]}\n\n{_table(WRITTEN, rows)}")
    return "\n".join(parts)


def _row(number: int, upstream: Upstream) -> list[str]:
    feature = features()[number]
    return [
        feature.name,
        *(
            _shown(tried(feature, client, upstream)) if client in feature.says else ""
            for client in SHORTEST
        ),
    ]


def _shown(cell: Cell) -> str:
    names = ", ".join(f"`{name}`" for name in cell.left_out)
    if cell.fate == "left out":
        return f"left out: {names}"
    if cell.fate == "refused with":
        return f"refused with *{cell.words.partition(' can')[0]}*"
    return f"{cell.fate}, without {names}" if names else cell.fate


def _table(clients: Iterable[FormatName], rows: Sequence[Sequence[str]]) -> str:
    columns = ["", *(_CLIENTS[client] for client in clients)]
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
