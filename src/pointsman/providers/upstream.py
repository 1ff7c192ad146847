"""Any server that is called over HTTP: its dialect says where and how, its probe how it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pointsman.errors import UpstreamError
from pointsman.providers.dialects import Dialect
from pointsman.providers.http import HttpClient, Timeouts
from pointsman.types import DeploymentState, Health, Outbound, ProviderReply

#: A look at a server: base URL, headers and model in, what was seen out.
Probe = Callable[[HttpClient, str, Mapping[str, str], str], Awaitable[Health]]


class HttpProvider:
    """One model behind one address."""

    def __init__(
        self,
        client: HttpClient,
        dialect: Dialect,
        probe: Probe,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """`base_url` as people write it; `model` is the upstream's name for it."""
        self._client = client
        self._dialect = dialect
        self._look = probe
        self._base_url = dialect.base(base_url)
        self._model = model
        self._headers = dialect.credentials(api_key)
        self._timeouts = timeouts or Timeouts()
        self._state: DeploymentState = "up"

    @property
    def state(self) -> DeploymentState:
        """As it was when it was last looked at; up until then: failures are the breaker's to count."""
        return self._state

    async def start(self) -> None:
        """Nothing to start: somebody else runs the server."""

    async def open(self, sent: Outbound) -> ProviderReply:
        """Send the request on. See `ports.Provider`."""
        return await self._client.post(
            self._dialect.url(self._base_url, sent),
            sent.body,
            {**self._headers, **sent.headers, "content-type": sent.content_type},
            self._timeouts,
        )

    async def probe(self) -> Health:
        """Look at the server, without spending tokens."""
        try:
            health = await self._look(self._client, self._base_url, self._headers, self._model)
        except UpstreamError as error:
            health = Health("down", str(error), lacks="server")
        self._state = health.state
        return health

    async def close(self) -> None:
        """Nothing of its own: the client is shared."""
