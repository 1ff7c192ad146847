"""Pointsman without a server: the same path, called from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Self

import msgspec

from pointsman.app import App
from pointsman.clock import SystemClock
from pointsman.config import Settings, load
from pointsman.errors import BadRequest, PointsmanError
from pointsman.feedback.rating import said
from pointsman.formats.chat.error import message_of
from pointsman.formats.chat.follow import reply_text
from pointsman.formats.chat.request import chat_body, parse_chat
from pointsman.ids import new_request_id
from pointsman.stages.decider import Seen
from pointsman.types import Call, Decision, Json, ModelRequest, Principal, Usage

Prompt = str | Sequence[Mapping[str, Json]]


class Completion(msgspec.Struct, frozen=True):
    """An answer with what it took."""

    request_id: str
    text: str
    deployment: str
    tier: str
    served_tier: str
    decision: Decision
    usage: Usage
    #: US dollars; None where the price is unknown.
    cost: Decimal | None
    saved: Decimal | None
    latency_ms: float
    #: The model's whole reply, as it came.
    body: bytes


class Router:
    """Routes prompts. `async with Router.from_settings() as router: await router.complete(...)`."""

    def __init__(self, app: App) -> None:
        """Most callers want `from_settings`."""
        self._app = app
        self._clock = SystemClock()

    @classmethod
    def from_settings(
        cls, settings: Settings | None = None, *, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """Build from settings, or from the configuration that is found. Raises ConfigError."""
        return cls(App(settings or load(), environment=environment))

    async def __aenter__(self) -> Self:
        await self._app.start(load=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._app.close()

    def route(self, prompt: Prompt, *, model: str = "auto") -> Decision:
        """Where a prompt, or a list of messages, would go and why.

        Calls no model and needs nothing started: where the judge scores, the heuristic scorer
        stands in, and says so; `judged` asks it. Raises UnknownModel.
        """
        return self._app.decider.decide(self._call(prompt, model, {}))

    async def judged(self, prompt: Prompt, *, model: str = "auto") -> Decision:
        """As `route`; where the judge scores, it is asked. Raises UnknownModel."""
        call = self._call(prompt, model, {})
        return self._app.decider.decide(call, await self._seen(call))

    async def _seen(self, call: Call) -> Seen:
        decider = self._app.decider
        return await decider.look(call, await decider.confine(call), [])

    async def complete(
        self, prompt: Prompt, *, model: str = "auto", parameters: Mapping[str, Json] | None = None
    ) -> Completion:
        """Answer a prompt, or a list of messages; `parameters` go to the model as they are.

        Raises PointsmanError: BadRequest and its kin, or Unavailable where nothing answers.
        """
        call = self._call(prompt, model, parameters or {})
        if call.request.stream:
            raise BadRequest("complete() answers at once; it does not stream", param="stream")
        reply = await self._app.pipeline.answer(call)
        settled = reply.settlement
        if not isinstance(reply.body, bytes) or settled is None or settled.usage is None:
            words = message_of(reply.body) if isinstance(reply.body, bytes) else ""
            raise BadRequest(f"{reply.deployment.id} refused the request: {words}")
        return Completion(
            request_id=reply.request_id,
            text=reply_text(reply.body),
            deployment=reply.deployment.id,
            tier=reply.decision.tier,
            served_tier=reply.deployment.tier,
            decision=reply.decision,
            usage=settled.usage,
            cost=settled.cost,
            saved=settled.saved,
            latency_ms=settled.latency_ms,
            body=reply.body,
        )

    async def feedback(
        self, request_id: str, rating: float | None = None, comment: str | None = None
    ) -> None:
        """Say how good a reply was: from -1 (bad) to 1 (good). Raises NotFound, BadRequest."""
        await self._app.feedback.add(said(request_id, self._clock.now(), rating, comment))

    def _call(self, prompt: Prompt, model: str, parameters: Mapping[str, Json]) -> Call:
        request = _request(prompt, model, parameters)
        return Call(new_request_id(), self._clock.now(), Principal(), request)


def _request(prompt: Prompt, model: str, parameters: Mapping[str, Json]) -> ModelRequest:
    messages: str | list[Json] = (
        prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    )
    return parse_chat(chat_body(model, messages, parameters))


__all__ = ["Completion", "PointsmanError", "Router"]
