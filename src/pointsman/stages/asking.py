"""The cache's side calls: embeddings by a deployment, planned, gated, in their request's trail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar

import msgspec
from msgspec.structs import replace

from pointsman.calling.exchange import Errand, Whole
from pointsman.calling.execute import Caller
from pointsman.errors import CacheUnavailable
from pointsman.formats import embeddings
from pointsman.formats.wire import Head
from pointsman.ids import new_request_id
from pointsman.ports import Clock
from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy
from pointsman.types import (
    UNSCORED,
    Attempt,
    Confined,
    Deployment,
    ModelRequest,
    Score,
    Target,
)

_UNSCORED = Score(0.0, {}, UNSCORED, "1")
#: The trail of the request that a side call is made for.
_TRAIL: ContextVar[list[Attempt] | None] = ContextVar("trail", default=None)


class _Embedding(msgspec.Struct):
    embedding: list[float]


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


@contextlib.contextmanager
def trail(attempts: list[Attempt]) -> Iterator[None]:
    """Side calls made inside are appended to `attempts`, with what they used."""
    token = _TRAIL.set(attempts)
    try:
        yield
    finally:
        _TRAIL.reset(token)


class Asking:
    """Asks one deployment, as the plan of a request of its own allows."""

    def __init__(
        self,
        name: str,
        caller: Caller,
        policy: Policy,
        deployments: Mapping[str, Deployment],
        clock: Clock,
    ) -> None:
        """`name` is the deployment's id."""
        self._name = name
        self._caller = caller
        self._policy = policy
        self._deployments = deployments
        self._clock = clock

    @property
    def is_local(self) -> bool:
        """What is asked stays local."""
        return self._deployments[self._name].location == "local"

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The embedding of each text. Raises PointsmanError, CacheUnavailable."""
        body = msgspec.json.encode({"model": self._name, "input": list(texts)})
        whole = await self._ask(embeddings.parse(body))
        try:
            return [
                each.embedding for each in msgspec.json.decode(whole.body, type=_Embeddings).data
            ]
        except msgspec.DecodeError as error:
            raise CacheUnavailable(f"{self._name} does not answer with embeddings") from error

    async def _ask(self, request: ModelRequest) -> Whole:
        # Whoever asks for a request that must stay local asks a local deployment only.
        confined = Confined((), "request") if self.is_local else None
        plan = decide(
            request,
            Target("deployment", self._name),
            _UNSCORED,
            self._caller.candidates(request, ""),
            self._policy,
            confined=confined,
        ).plan
        head = Head(new_request_id(), self._clock.now(), "")
        errand = Errand(request, head, confined=confined is not None, once=True)
        tried: list[Attempt] = []
        try:
            answer = await self._caller.call(plan, errand, tried)
            tried.append(replace(self._caller.ended(answer, "completed"), usage=answer.usage))
        finally:
            attempts = _TRAIL.get()
            if attempts is not None:
                attempts += [replace(attempt, purpose="embed") for attempt in tried]
        if not isinstance(answer.content, Whole) or answer.content.refused is not None:
            raise CacheUnavailable(f"{self._name} refuses the question")
        return answer.content
