"""What a client of the chat format asks, in the canonical form."""

import json

from pointsman.conversation import Conversation
from pointsman.formats.chat.format import ChatClient

HELLO = [{"role": "user", "content": "hello"}]
_CLIENT = ChatClient()


def decode(**members: object) -> Conversation:
    body = json.dumps({"model": "auto", "messages": HELLO, **members}).encode()
    return _CLIENT.conversation(_CLIENT.parse(body))
