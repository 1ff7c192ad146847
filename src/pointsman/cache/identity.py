"""What makes two requests the same, so that one may have the other's reply. Pure.

All that could change the answer, or whose it is, goes into one hash: whatever is not known to be
without effect is taken to have one. How the reply is sent (streamed or not) has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from pointsman.types import Call, FormatName, Json, ModelRequest, Target

#: Changes whenever the canonical form does: what was stored under another form is not found.
VERSION = b"pointsman-cache-1"
#: Say how a reply is sent, not what it says.
_DELIVERY = frozenset({"stream", "stream_options"})
#: Members in which a format has the conversation, whose end is the last user turn.
_CONVERSATION: Mapping[FormatName, str] = {
    "chat": "messages",
    "messages": "messages",
    "ollama": "messages",
    "responses": "input",
    "ollama_generate": "prompt",
}
_TEXT_PARTS = frozenset({"text", "input_text"})
#: Stands for the last user turn. Never compared with a text: it is hashed with its own mark.
_PLACEHOLDER = "\x00last user turn\x00"


class Realm(msgspec.Struct, frozen=True):
    """Who and what a reply may be shared within."""

    organisation: str
    #: The key's id where replies are not shared between keys; else empty.
    scope: str
    #: The operator's word for this generation of replies: a new one forgets all earlier ones.
    epoch: str = ""
    #: Members that the operator says have no effect on answers (`user`, `metadata`, ...).
    ignored: frozenset[str] = frozenset()


class Identity(msgspec.Struct, frozen=True):
    """A request, as far as a reply to it may be given again."""

    #: Of the whole request: whoever has the same may have the same reply. SHA-256 in hex.
    key: str
    #: Of all but the last user turn, for those whose turn means the same; None where the request
    #: does not end in one text of a user's.
    partition: str | None
    turn: str | None


def identify(call: Call, target: Target, realm: Realm, *, embedder: str | None = None) -> Identity:
    """The identity of a request to `target`; with the embedder's name, its partition as well."""
    request = call.request
    members = {
        name: _decoded(raw)
        for name, raw in request.members.items()
        if name not in _DELIVERY and name not in realm.ignored
    }
    around = (
        VERSION,
        realm.organisation,
        realm.scope,
        realm.epoch,
        request.format,
        request.task,
        target.kind,
        target.name,
        *("\n".join(group) for group in target.groups),
        _canonical(dict(request.headers)),
    )
    key = _hashed(b"whole", *around, _canonical(members))
    parted = _parted(request, members) if embedder else None
    if embedder is None or parted is None:
        return Identity(key, None, None)
    rest, turn = parted
    partition = _hashed(b"around the last turn", embedder, *around, _canonical(rest))
    return Identity(key, partition, turn)


def _parted(
    request: ModelRequest, members: Mapping[str, Json]
) -> tuple[dict[str, Json], str] | None:
    """The members without the text of the last user turn, and that text; None where it has none."""
    name = _CONVERSATION.get(request.format, "")
    said = members.get(name)
    if isinstance(said, str):
        return {**members, name: _PLACEHOLDER}, said
    if not isinstance(said, list) or not said:
        return None
    last = said[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        return None
    blank, turn = _blanked(last.get("content"))
    return (
        None if turn is None else ({**members, name: [*said[:-1], last | {"content": blank}]}, turn)
    )


def _blanked(content: Json) -> tuple[Json, str | None]:
    """A turn's content without its text, and the text; None where it is not one text alone."""
    if isinstance(content, str):
        return _PLACEHOLDER, content
    part = content[0] if isinstance(content, list) and len(content) == 1 else None
    text = part.get("text") if isinstance(part, dict) else None
    if (
        not isinstance(part, dict)
        or not isinstance(text, str)
        or part.get("type") not in _TEXT_PARTS
    ):
        return content, None
    return [part | {"text": _PLACEHOLDER}], text


def _decoded(raw: bytes) -> Json:
    value: Json = msgspec.json.decode(raw)
    return value


def _canonical(value: Json | dict[str, str]) -> bytes:
    """The same bytes for the same value: members in order, no blanks, one way to escape."""
    return msgspec.json.encode(value, order="sorted")


def _hashed(*parts: bytes | str) -> str:
    """Each part with its length before it, so that no two lists of parts hash alike."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode(errors="surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
