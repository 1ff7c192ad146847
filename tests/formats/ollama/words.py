"""What the tests of Ollama's formats share."""

from datetime import UTC, datetime

from pointsman.formats.ndjson import LineSplitter
from pointsman.formats.sse import Event
from pointsman.formats.wire import Head

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEAD = Head("req_1", NOW, "llama3.2")


def lines(stream: bytes) -> list[Event]:
    return list(LineSplitter().feed(stream))
