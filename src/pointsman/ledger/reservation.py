"""What a request may cost at most, to be held back while it is open. Pure.

The figures are generous, as a budget is only kept where they are not exceeded: tokens of the prompt
are counted at two bytes each, half of what the estimate takes; the reply is as long as it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from pointsman.ledger.pricing import Pricer
from pointsman.types import Attempt, Decision, ModelRequest

#: Times the estimated tokens of a prompt: `tokens.BYTES_PER_TOKEN` is 4, dense text has 2.
_DENSE = 2


def _usual(request: ModelRequest) -> tuple[str, ...]:
    del request
    return ()


class Reservations(msgspec.Struct, frozen=True):
    """Upper bounds, from prices and from what bounds a reply."""

    pricer: Pricer
    #: Output tokens of a reply that nothing else bounds.
    reply_tokens: int
    #: By deployment, where its configuration bounds a reply.
    by_deployment: Mapping[str, int] = msgspec.field(default_factory=dict)
    #: How a request wants to be served, where that may have another price; as in `Usage.service`.
    service: Callable[[ModelRequest], tuple[str, ...]] = _usual

    def worst(self, deployment: str, request: ModelRequest, at: datetime) -> Decimal | None:
        """US dollars for one answer of a deployment; None where the price is unknown.

        What is passed on unread (audio, images) is not counted in tokens: it is unknown, too. Who
        wants another service (`service_tier`) may get it or the usual one: the dearer counts.
        """
        if request.raw is not None:
            return None if self.pricer.worst_cost(deployment, 1, 1, at) != 0 else Decimal(0)
        bound = request.max_output_tokens or self.by_deployment.get(deployment, self.reply_tokens)
        reply = bound * request.choices if request.task == "chat" else 0
        prompt = request.input_tokens * _DENSE
        usual = self.pricer.worst_cost(deployment, prompt, reply, at)
        service = self.service(request)
        if not service or usual is None:
            return usual
        wanted = self.pricer.worst_cost(deployment, prompt, reply, at, service)
        return None if wanted is None else max(usual, wanted)

    def hold(
        self, decision: Decision, request: ModelRequest, trail: Sequence[Attempt], at: datetime
    ) -> Decimal:
        """US dollars to hold back for a decision: the dearest answer of its plan.

        With what looking at a first answer takes (it and a second sample of it), and with what was
        called on the way here (`trail`). What has no known price holds nothing back.
        """
        worst = [
            self.worst(each.deployment, request, at) or Decimal(0)
            for each in decision.plan.attempts
        ]
        looked_at = 2 * worst[0] if worst and decision.verify is not None else Decimal(0)
        return max(worst, default=Decimal(0)) + looked_at + self._spent(trail, at)

    def another(
        self,
        deployment: str,
        request: ModelRequest,
        trail: Sequence[Attempt],
        at: datetime,
        *,
        beside: str = "",
    ) -> Decimal:
        """US dollars to hold back for one more answer of a deployment, after what was called by now.

        `beside` is the deployment, if any, whose answer is there and may yet be given out.
        """
        answers = (deployment, beside) if beside else (deployment,)
        worst = (self.worst(each, request, at) or Decimal(0) for each in answers)
        return sum(worst, self._spent(trail, at))

    def _spent(self, trail: Sequence[Attempt], at: datetime) -> Decimal:
        costs = (self.pricer.priced(each, at).cost for each in trail)
        return sum((cost for cost in costs if cost is not None), Decimal(0))
