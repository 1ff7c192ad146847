"""Short ways to ask and to answer in the Messages format."""

import base64
import json

from msgspec.structs import replace

from pointsman.conversation import Addressee, Conversation, Message, Sampling, Text
from pointsman.formats.messages.format import MessagesClient, MessagesUpstream
from pointsman.types import Json

CLIENT = MessagesClient()
UPSTREAM = MessagesUpstream()
HI = Message("user", (Text("hi"),))
ASK = Conversation((HI,), sampling=Sampling(max_tokens=64))
SERVER = "qwen3:8b"  # a server of this format whose models take everything
NOTES = base64.b64encode(b"Paris is rainy.").decode()


def decoded(body: bytes) -> Conversation:
    return CLIENT.conversation(CLIENT.parse(body))


def asked(**members: Json) -> Conversation:
    hi: Json = [{"role": "user", "content": "hi"}]
    body = {"model": "auto", "max_tokens": 64, "messages": hi, **members}
    return decoded(json.dumps(body).encode())


def encoded(
    conversation: Conversation, model: str = SERVER, *drop: str
) -> tuple[dict[str, Json], tuple[str, ...]]:
    sent = UPSTREAM.encode(conversation, Addressee(model, drop=frozenset(drop)))
    return json.loads(sent.body), sent.left_out


def said(*messages: Message, model: str = SERVER) -> list[Json]:
    body, _ = encoded(replace(ASK, messages=messages), model)
    return body["messages"]
