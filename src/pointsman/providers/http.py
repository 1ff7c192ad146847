"""The HTTP client that all providers share."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec

from pointsman.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from pointsman.types import ProviderReply

if TYPE_CHECKING:
    import aiohttp

# aiohttp takes 0.2 s of CPU to import, so it is imported by `prepare`, or where the first connection
# is made.

_HEADERS = {
    "user-agent": "pointsman",
    # Nothing is unpacked and packed again on the way, and a stream is not held up by a codec.
    "accept-encoding": "identity",
}
#: Bytes of a small resource that are read.
_MAX_RESOURCE_BYTES = 1024 * 1024
_REASONS = {
    "ServerDisconnectedError": "connection closed without an answer",
    "ClientPayloadError": "the body stopped short",
    "ClientConnectorCertificateError": "its certificate is not trusted",
    "SSLError": "it speaks no TLS",
}


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds, by phase of an attempt."""

    connect_s: float = 5.0
    first_byte_s: float = 120.0
    between_chunks_s: float = 60.0


@dataclass(slots=True)
class _Seen:
    """What was seen of one request on its way out."""

    reused: bool = False
    sent: bool = False


class HttpClient:
    """A pool of connections. Redirects are not followed: a key goes where it was sent to."""

    def __init__(self) -> None:
        """Opens nothing yet."""
        self._session: aiohttp.ClientSession | None = None
        self._loading: asyncio.Future[object] | None = None

    def prepare(self) -> None:
        """Load what connections need, in a thread, so that the first request need not wait for it."""
        loop = asyncio.get_running_loop()
        self._loading = loop.run_in_executor(None, importlib.import_module, "aiohttp")

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeouts: Timeouts
    ) -> ProviderReply:
        """Send, and return when the status line is there.

        Raises UpstreamUnreachable or UpstreamTimeout; the chunks raise UpstreamBroken or
        UpstreamTimeout.
        """
        import aiohttp  # noqa: PLC0415

        limits = aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s)
        began = asyncio.get_running_loop().time()
        seen = _Seen()
        try:
            async with asyncio.timeout(timeouts.first_byte_s):
                response = await self._send(url, body, headers, limits, seen)
        except aiohttp.ConnectionTimeoutError as error:
            late = f"no connection within {timeouts.connect_s:g} s"
            raise UpstreamTimeout(late, sent=False) from error
        except TimeoutError as error:
            late = f"no answer within {timeouts.first_byte_s:g} s"
            raise UpstreamTimeout(late, sent=seen.sent) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamUnreachable(_reason(error), sent=seen.sent) from error
        headers_seen = {name.lower(): value for name, value in response.headers.items()}
        rest_s = max(0.001, timeouts.first_byte_s - (asyncio.get_running_loop().time() - began))
        chunks = _chunks(response, rest_s, timeouts.between_chunks_s)
        await anext(chunks)  # started, so that aclose() always gives the connection back
        return ProviderReply(response.status, headers_seen, chunks)

    async def get(
        self, url: str, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body of a small resource. Raises as `post` does."""
        return await self._small("GET", url, None, headers, timeout_s)

    async def ask(
        self, url: str, question: Mapping[str, object], headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        """Status and body of a small answer to a small question in JSON. Raises as `post` does."""
        sent = {**headers, "content-type": "application/json"}
        return await self._small("POST", url, msgspec.json.encode(question), sent, timeout_s)

    async def _small(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, bytes]:
        import aiohttp  # noqa: PLC0415

        limits = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                read = b""
                while len(read) < _MAX_RESOURCE_BYTES and (
                    piece := await response.content.readany()
                ):
                    read += piece
                return response.status, read
        except TimeoutError as error:
            raise UpstreamTimeout(f"no answer within {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamUnreachable(_reason(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        loading, self._loading = self._loading, None
        if loading is not None:
            await loading
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
        seen: _Seen,
    ) -> aiohttp.ClientResponse:
        import aiohttp  # noqa: PLC0415

        while True:
            seen.reused = seen.sent = False
            try:
                return await self._open().post(
                    url,
                    data=body,
                    headers=headers,
                    timeout=limits,
                    allow_redirects=False,
                    trace_request_ctx=seen,
                )
            except (
                aiohttp.ServerDisconnectedError,
                aiohttp.ClientOSError,
                aiohttp.ClientConnectionResetError,
            ):
                # Out of the pool, and closed by the other side meanwhile: no reply came. The next
                # one out of the pool may be as old.
                if not seen.reused:
                    raise

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415

        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_note_reuse)
            trace.on_request_headers_sent.append(_note_sent)
            self._session = aiohttp.ClientSession(
                trace_configs=[trace],
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                raise_for_status=False,
            )
        return self._session


async def _note_reuse(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    """Leave a note, in the request's own context, that its connection came out of the pool."""
    del session, params
    if isinstance(context.trace_request_ctx, _Seen):
        context.trace_request_ctx.reused = True


async def _note_sent(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    """Leave a note, there as well, that there was a connection to send it on."""
    del session, params
    if isinstance(context.trace_request_ctx, _Seen):
        context.trace_request_ctx.sent = True


async def _chunks(
    response: aiohttp.ClientResponse, limit_s: float, between_s: float
) -> AsyncGenerator[bytes, None]:
    """The body; `limit_s` until its first piece, `between_s` until each further one."""
    import aiohttp  # noqa: PLC0415

    try:
        yield b""  # taken by `post`
        while not response.content.at_eof():
            async with asyncio.timeout(limit_s):
                chunk = await response.content.readany()
            limit_s = between_s
            if chunk:
                yield chunk
    except TimeoutError as error:
        raise UpstreamTimeout(f"nothing more came within {limit_s:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise UpstreamBroken(f"the connection broke: {_reason(error)}") from error
    finally:
        response.release() if response.content.at_eof() else response.close()


def _reason(error: BaseException) -> str:
    """The cause in few words, without addresses."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ConnectionError):
        return "connection reset"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    name = type(cause).__name__
    return _REASONS.get(name, name)
