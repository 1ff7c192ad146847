"""How the deployments stand, and what others of them would have cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from pointsman.access.permissions import may_see, scope_of
from pointsman.calling.upstream import Upstream
from pointsman.errors import NotFound
from pointsman.routing.thresholds import shifted, tier_for
from pointsman.server.figures import thresholds_view
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names
from pointsman.types import EVERYWHERE, Deployment, Entry, Principal

#: Points by which all thresholds are moved to see what would have been.
_SHIFTS = range(-50, 55, 5)


async def upstreams(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How the deployments stand that the key may use, as far as is known already; nobody is asked. Prices are for a million tokens."""
    check_names(incoming.query, ())
    # What servers say may name addresses, which concern who runs the gateway.
    scope = scope_of(incoming.principal)
    is_confined = scope != EVERYWHERE
    shown = [
        _upstream(gateway, replace(each, detail="") if is_confined else each)
        for each in gateway.upstreams(scope.organisation)
        if _may_see(gateway, incoming.principal, each.deployment)
    ]
    return as_json({"upstreams": shown})


async def alternatives(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What a request's tokens would have cost elsewhere, and where other thresholds would have sent it: by its score alone, floors and sessions aside."""
    check_names(incoming.query, ())
    request_id = incoming.parameters["request_id"]
    entry = await gateway.books.get(request_id, scope_of(incoming.principal))
    if entry is None:
        raise NotFound(f"there is no decision {request_id[:128]!r}")
    decision = entry.decision
    return as_json(
        {
            "score": decision.scored.made,
            "tier": decision.tier,
            "thresholds": thresholds_view(decision.bounds),
            "alternatives": _alternatives(gateway, entry, incoming.principal),
            "at": _at(decision.score, decision.bounds),
        }
    )


def _may_see(gateway: Gateway, by: Principal, deployment: Deployment) -> bool:
    return may_see(by, deployment, gateway.pipeline.decider.policy.lists_with(deployment.id))


def _upstream(gateway: Gateway, each: Upstream) -> dict[str, object]:
    deployment, now = each.deployment, gateway.clock.now()
    price = gateway.pricer.per_million(deployment.id, now)
    seen = None if each.seen_s is None else now - timedelta(seconds=each.seen_s)
    return {
        "deployment": deployment.id,
        "provider": deployment.provider,
        "model": deployment.model,
        "tier": deployment.tier,
        "location": deployment.location,
        "state": each.state,
        "breaker": each.breaker,
        "detail": each.detail or None,
        "loaded_model": each.loaded_model,
        "context": deployment.context_length,
        "in_flight": each.in_flight,
        "waiting": each.waiting,
        "price": None if price is None else {"input": price[0], "output": price[1]},
        "last_seen": None if seen is None else seen.isoformat(),
    }


def _alternatives(gateway: Gateway, entry: Entry, by: Principal) -> list[dict[str, object]]:
    """What the answer's tokens cost where it came from, and elsewhere as far as the key goes.

    In the configuration's order.
    """
    settled = entry.settlement
    chosen = None if settled is None or entry.is_given else settled.deployment
    return [
        {
            "deployment": name,
            "tier": deployment.tier,
            "location": deployment.location,
            "cost": _paid(entry) if name == chosen else _elsewhere(gateway, name, entry),
            "chosen": name == chosen,
        }
        for name, deployment in gateway.pipeline.decider.deployments.items()
        if name == chosen or _may_see(gateway, by, deployment)
    ]


def _paid(entry: Entry) -> Decimal | None:
    """For the answer alone."""
    settled = entry.settlement
    if settled is None or settled.cost is None:
        return None
    return settled.cost - (settled.overhead or 0)


def _elsewhere(gateway: Gateway, deployment: str, entry: Entry) -> Decimal | None:
    """As that deployment usually serves: what another said of its service is no matter there."""
    usage = entry.settlement.usage if entry.settlement else None
    if usage is None:
        return None
    plain = replace(usage, stated_cost=None, service=())
    return gateway.pricer.cost(deployment, plain, entry.time)


def _at(score: float, bounds: Mapping[str, float]) -> list[dict[str, object]]:
    """The tier at each shift of the thresholds; empty where no score chose."""
    if not bounds:
        return []
    return [{"shift": by, "tier": tier_for(score, shifted(bounds, by))} for by in _SHIFTS]
