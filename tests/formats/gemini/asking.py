"""What the tests of requests share: conversations in, decoded bodies out."""

import json
from typing import Any

import pytest
from tests.formats.gemini import payloads
from tests.support.gemini_upstream import check

from pointsman.conversation import (
    Addressee,
    Conversation,
    Message,
    Text,
    Tool,
)
from pointsman.errors import Inexpressible
from pointsman.formats.gemini.format import GeminiUpstream
from pointsman.formats.wire import UpstreamFormat

NEW, OLD = "gemini-3.8-flash", "gemini-2.5-flash"
HELLO = Conversation((Message("user", (Text("Hi"),)),))
WEATHER = Tool("weather", "The weather.", payloads.SCHEMA)


def encoded(
    conversation: Conversation, model: str = NEW, **to: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    format_: UpstreamFormat = GeminiUpstream()
    written = format_.encode(conversation, Addressee(model, **to))
    body = json.loads(written.body)
    return body, written.left_out


def body_of(conversation: Conversation, model: str = NEW, **to: Any) -> dict[str, Any]:
    body, left_out = encoded(conversation, model, **to)
    assert left_out == ()
    check(body, model)
    return body


def refused(conversation: Conversation, model: str = NEW, **to: Any) -> str:
    with pytest.raises(Inexpressible) as caught:
        encoded(conversation, model, **to)
    return caught.value.feature


def user(*parts: Any) -> Conversation:
    return Conversation((Message("user", parts),))
