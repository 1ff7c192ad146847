"""How one deployment is spoken to: in the client's own format where it takes it, else translated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from pointsman.conversation import Addressee, ModelReply, OutputFormat
from pointsman.conversation import Finished as End
from pointsman.errors import Inexpressible, UpstreamBroken
from pointsman.formats import embeddings, ndjson, raw, sse
from pointsman.formats.chat import error as errors
from pointsman.formats.sse import Event
from pointsman.formats.wire import (
    ClientFormat,
    Fault,
    Framing,
    Head,
    StreamReader,
    StreamWriter,
    UpstreamFormat,
)
from pointsman.types import FormatName, ModelRequest, Outbound, Usage

#: Members in which the client formats say that JSON is wanted.
_OUTPUT_MEMBERS = frozenset({"response_format", "text", "output_config", "output_format", "format"})
#: Bytes of a translated request that may wait for its call; a longer one is written again.
_REMEMBERED_BYTES = 256 * 1024


class Finished(msgspec.Struct, frozen=True):
    """A whole reply for the client."""

    body: bytes
    usage: Usage | None
    #: What the upstream says it served.
    model: str | None
    #: It ended for a reason that the client's format has no word for.
    unclear: bool = False


class Transcript:
    """A stream on its way from an upstream's format to a client's."""

    def __init__(self, reader: StreamReader, framing: Framing, writer: StreamWriter | None) -> None:
        """Without a writer, events pass through as they came."""
        self.reader = reader
        self.framing = framing
        self._writer = writer
        #: It ended for a reason that the client's format has no word for.
        self.unclear = False

    def take(self, event: Event) -> bytes:
        """The client's bytes for one of the upstream's events; may be none."""
        if self._writer is None:
            return self.reader.follow(event)
        deltas = self.reader.read(event)
        self.unclear |= any(isinstance(each, End) and each.finish == "other" for each in deltas)
        return b"".join(self._writer.write(delta) for delta in deltas)

    def ending(self) -> bytes:
        """The client's last bytes, for when the books are written."""
        if self._writer is None:
            return self.reader.ending()
        return self._writer.ending(self.reader.usage)


def output_of(
    request: ModelRequest, clients: Mapping[FormatName, ClientFormat]
) -> OutputFormat | None:
    """The JSON that the client wants as an answer; None where any text will do."""
    if _OUTPUT_MEMBERS.isdisjoint(request.members):
        return None
    return clients[request.format].conversation(request).output


class Speech:
    """Writes requests for one deployment and reads its replies."""

    def __init__(
        self,
        clients: Mapping[FormatName, ClientFormat],
        takes: Sequence[UpstreamFormat],
        to: Addressee,
    ) -> None:
        """`takes` are the formats of the deployment's server, the preferred one first."""
        self._clients = clients
        self._takes = {each.name: each for each in takes}
        self._to = to
        #: What the gate had written, for the call that most often follows at once.
        self._last: tuple[ModelRequest, Outbound] | None = None

    def outbound(self, request: ModelRequest) -> Outbound:
        """The request as the upstream gets it. Raises Inexpressible, BadRequest."""
        last, self._last = self._last, None
        if last is not None and last[0] is request:
            return last[1]
        return self._write(request)

    def objection(self, request: ModelRequest) -> str | None:
        """Why the request can't be written for this deployment; None where it can."""
        if request.raw is not None or request.format in self._takes:
            return None
        try:
            written = self._write(request)
        except Inexpressible as error:
            return str(error)
        self._last = (request, written) if len(written.body) <= _REMEMBERED_BYTES else None
        return None

    def whole(self, body: bytes, request: ModelRequest, head: Head) -> Finished:
        """A whole reply in the client's format. Raises UpstreamBroken where it is none."""
        if request.raw is not None:
            return Finished(body, raw.usage(body), None)
        upstream = self._upstream(request)
        if upstream.name == request.format:
            seen = upstream.look(body, request.input_tokens)
            if request.task == "embeddings" and "encoding_format" not in self._to.drop:
                # Not every server knows both encodings.
                body = embeddings.in_encoding(body, embeddings.encoding(request))
            return Finished(body, seen.usage, seen.model)
        reply = upstream.read(body, request.input_tokens)
        written = self._clients[request.format].reply(reply, request, head)
        unclear = any(choice.finish == "other" for choice in reply.choices)
        return Finished(written, reply.usage, reply.model, unclear)

    def used(self, body: bytes, request: ModelRequest) -> Usage:
        """What a whole reply used, which may be none: as much as can be read of it, or its prompt."""
        if request.raw is None:
            with suppress(UpstreamBroken):
                return self._upstream(request).look(body, request.input_tokens).usage
        return Usage(request.input_tokens, estimated=True)

    def said(self, body: bytes, request: ModelRequest) -> ModelReply:
        """What an upstream's whole reply says. Raises UpstreamBroken where it is none."""
        return self._upstream(request).read(body, request.input_tokens)

    def listener(self, request: ModelRequest) -> StreamReader:
        """Reads a stream that goes to the client through `transcript`, for whoever judges it."""
        return self._upstream(request).reader(request.input_tokens, keep_usage=False)

    def output(self, request: ModelRequest) -> OutputFormat | None:
        """The JSON that the client wants as an answer; None where any text will do."""
        return output_of(request, self._clients)

    def transcript(self, request: ModelRequest, head: Head) -> Transcript:
        """For a streamed reply."""
        upstream = self._upstream(request)
        reader = upstream.reader(request.input_tokens, keep_usage=request.include_usage)
        if upstream.name == request.format:
            return Transcript(reader, upstream.framing, None)
        writer = self._clients[request.format].writer(request, head)
        return Transcript(reader, upstream.framing, writer)

    def fault(self, request: ModelRequest, body: bytes) -> Fault:
        """What an upstream's error says."""
        if request.raw is not None:
            return errors.fault(body)
        return self._upstream(request).fault(body)

    def _upstream(self, request: ModelRequest) -> UpstreamFormat:
        return self._takes.get(request.format) or next(iter(self._takes.values()))

    def _write(self, request: ModelRequest) -> Outbound:
        if request.raw is not None:
            name = self._to.model.encode()
            if request.raw.content_type.startswith("application/json"):
                name = msgspec.json.encode(self._to.model)
            return Outbound(
                "raw",
                self._to.model,
                request.raw.before + name + request.raw.after,
                content_type=request.raw.content_type,
                path=request.raw.path,
            )
        upstream = self._upstream(request)
        same = upstream.name == request.format
        if same:
            encoded = upstream.pass_through(request, self._to)
        else:
            conversation = self._clients[request.format].conversation(request)
            encoded = upstream.encode(conversation, self._to)
        return Outbound(
            upstream.name,
            self._to.model,
            encoded.body,
            stream=request.stream,
            headers=request.headers if same else {},
            left_out=encoded.left_out,
        )


def splitter(framing: Framing) -> sse.Splitter | ndjson.LineSplitter:
    """Cuts a stream of that framing into events."""
    return sse.Splitter() if framing == "sse" else ndjson.LineSplitter()
