"""What files and sound count for, in every format that takes them: a budget is kept by it."""

import json

import pytest

from pointsman.formats.registry import CLIENTS
from pointsman.types import FormatName, Json

PDF, SOUND = "A" * 2_000_000, "B" * 2_000_000
TEXT = "data:text/plain;base64," + "C" * 240_000


def counted(name: FormatName, part: Json) -> int:
    said = [{"role": "user", "content": [part]}]
    body = {"model": "m", "max_tokens": 9, "input" if name == "responses" else "messages": said}
    return CLIENTS[name].parse(json.dumps(body).encode()).input_tokens


@pytest.mark.parametrize(
    ("name", "part", "least"),
    [
        (
            "chat",
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
            60_000,
        ),
        ("chat", {"type": "file", "file": {"file_data": TEXT}}, 45_000),
        ("chat", {"type": "file", "file": {"file_id": "file-1"}}, 3_000),
        ("chat", {"type": "input_audio", "input_audio": {"data": SOUND, "format": "mp3"}}, 6_000),
        (
            "responses",
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}"},
            60_000,
        ),
        ("responses", {"type": "input_file", "file_id": "file-1"}, 3_000),
        (
            "messages",
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            },
            60_000,
        ),
    ],
)
def test_what_is_attached_is_counted(name: FormatName, part: Json, least: int) -> None:
    assert least <= counted(name, part) <= 1.2 * least
