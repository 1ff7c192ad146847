"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import msgspec

from pointsman.errors import UpstreamError
from pointsman.formats.chat.request import upstream_body
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.types import DeploymentState, Health, ModelRequest, ProviderReply

_PROBE_TIMEOUT_S = 2.0
_OK = 200


class _Meta(msgspec.Struct):
    n_ctx: int | None = None


class _Model(msgspec.Struct):
    id: str = ""
    meta: _Meta | None = None  # llama.cpp
    max_model_len: int | None = None  # vLLM


class _Models(msgspec.Struct):
    data: list[_Model] = []


class OpenAIProvider:
    """Passes the client's bytes through, with only `model` and the wish for usage changed."""

    def __init__(
        self,
        client: HttpClient,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """`base_url` ends in `/v1`; `model` is the upstream's name for it."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._model = model
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeouts = timeouts or Timeouts()

    @property
    def state(self) -> DeploymentState:
        """Taken to be up: failures are the breaker's to count."""
        return "up"

    async def start(self) -> None:
        """Nothing to start: somebody else runs the server."""

    async def open(self, request: ModelRequest) -> ProviderReply:
        """Send the request on. See `ports.Provider`."""
        return await self._client.post(
            f"{self._base_url}/chat/completions",
            upstream_body(request, self._model),
            self._headers,
            self._timeouts,
        )

    async def probe(self) -> Health:
        """Look at `/models`: whether the server answers, and this model's context where it tells."""
        try:
            status, body = await self._client.get(
                f"{self._base_url}/models", self._headers, _PROBE_TIMEOUT_S
            )
        except UpstreamError as error:
            return Health("down", str(error))
        if status != _OK:
            return Health("down", f"GET {self._base_url}/models answered {status}")
        try:
            models = msgspec.json.decode(body, type=_Models).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Health("up", "answers, but lists no models")
        mine = next((m for m in models if m.id == self._model), None)
        if mine is None:
            return Health("up", f"does not list {self._model}")
        length = mine.max_model_len or (mine.meta.n_ctx if mine.meta else None)
        return Health("up", "answers", length)

    async def close(self) -> None:
        """Nothing of its own: the client is shared."""
