"""What has to be kept of a response so that a later request can go on from it.

The package keeps nothing itself. Whoever does asks `named` which responses a request needs, and
gives what was `stored` of them to `continued` and `resolved`, which write the request out in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from pointsman.formats import members

_NO_RAW = msgspec.Raw()
_PREFIXES = ("msg_", "rs_", "fc_")
_ENDINGS = frozenset({"response.completed", "response.incomplete"})


class Named(msgspec.Struct, frozen=True):
    """What a request refers to."""

    #: Its `previous_response_id`.
    response: str | None = None
    #: The ids of its item references.
    items: tuple[str, ...] = ()


class _Stored(msgspec.Struct):
    input: list[msgspec.Raw] = []
    output: list[msgspec.Raw] = []


class _Item(msgspec.Struct):
    type: object = None
    id: object = None
    role: object = None

    @property
    def reference(self) -> str | None:
        """The id of what it refers to; None where it stands for itself."""
        bare = self.type is None and self.role is None
        refers = self.type == "item_reference" or bare
        return self.id if refers and isinstance(self.id, str) else None


class _Event(msgspec.Struct):
    type: object = None
    response: msgspec.Raw = _NO_RAW


_ITEM = msgspec.json.Decoder(_Item)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_STORED = msgspec.json.Decoder(_Stored)


def named(request: Mapping[str, bytes]) -> Named:
    """What a request, by its raw members, refers to."""
    previous: str | None = msgspec.json.decode(request.get("previous_response_id", b"null"))
    references = (_ITEM.decode(item).reference for item in _items(request.get("input", b"[]")))
    return Named(previous, tuple(each for each in references if each is not None))


def response_of(item_id: str) -> str | None:
    """The id of the response that an item stands in, where its id was made here."""
    for prefix in _PREFIXES:
        base, separator, _ = item_id.removeprefix(prefix).rpartition("_")
        if item_id.startswith(prefix) and separator:
            return f"resp_{base}"
    return None


def ended(ending: bytes) -> bytes | None:
    """The response object in the last event of a stream; None where the reply did not end well."""
    for line in reversed(ending.splitlines()):
        if line.startswith(b"data:") and b'"response"' in line:
            event = msgspec.json.decode(line[5:], type=_Event)
            return bytes(event.response) if event.type in _ENDINGS else None
    return None


def stored(request: Mapping[str, bytes], reply: bytes) -> bytes:
    """What to keep of a response: the items that went in and came out, as JSON.

    `request` are the raw members of the request, continued and resolved; `reply` is the response
    object.
    """
    kept = _Stored(_items(request.get("input", b"[]")), _STORED.decode(reply).output)
    return msgspec.json.encode(kept)


def continued(body: bytes, stored: bytes) -> bytes:
    """A checked body with the earlier response's items before its own.

    `previous_response_id` is gone. The earlier `instructions` do not carry over: the API's
    reference says so.
    """
    raw = members.raw(body)
    raw.pop("previous_response_id", None)
    before = _STORED.decode(stored)
    items = [*before.input, *before.output, *_items(raw.get("input", b"[]"))]
    return members.joined({**raw, "input": msgspec.json.encode(items)})


def resolved(body: bytes, kept: Iterable[bytes]) -> bytes:
    """A checked body with item references replaced by the items, where they were kept."""
    known: dict[str, msgspec.Raw] = {}
    for each in kept:
        before = _STORED.decode(each)
        for item in (*before.input, *before.output):
            item_id = _ITEM.decode(item).id
            if isinstance(item_id, str):
                known[item_id] = item
    raw = members.raw(body)
    items = [known.get(_ITEM.decode(item).reference or "", item) for item in _items(raw["input"])]
    return members.joined({**raw, "input": msgspec.json.encode(items)})


def _items(raw: bytes) -> list[msgspec.Raw]:
    """The items of a raw `input`; a string is a user's message."""
    if raw == b"null":
        return []
    if raw.lstrip().startswith(b'"'):
        return [msgspec.Raw(b'{"type":"message","role":"user","content":' + raw + b"}")]
    return _LIST.decode(raw)
