"""What charts are drawn from: figures over time, latencies, scores, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec.structs import replace

from pointsman.errors import BadRequest
from pointsman.ledger import series as over_time
from pointsman.ledger import spread
from pointsman.ledger.series import Span
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import number_of, which_of
from pointsman.types import Filter, Measure

_DAY = timedelta(days=1)
#: Steps of a series where nobody says, and at most.
_BUCKETS = 60
_MOST_BUCKETS = 200
#: What a series is of where nobody says.
_USUAL_RANGE = _DAY
#: Entries that are looked at for what can't be added up: the newest.
_MOST_MEASURED = 10_000


async def series(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Requests, money and tokens step by step, and of the period before; `unpriced` counts requests of unknown price, `null` stands where there are no others. `?buckets=` steps at most, 1 to 200; without `?since=`, of 24 hours. Filters as for the summary."""
    which = which_of(incoming, "buckets")
    buckets = number_of(incoming.query, "buckets", usual=_BUCKETS, most=_MOST_BUCKETS)
    until = which.until or gateway.clock.now()
    since = which.since or until - _USUAL_RANGE
    if since >= until:
        raise BadRequest("`since` must be before `until`", param="since")
    span = Span.of(since, until, buckets)
    rows, earlier = await asyncio.gather(
        gateway.charts.series(span.step, replace(which, since=since, until=until)),
        # Only its sum is shown: in days, what the books have added up need not be added again.
        gateway.charts.series(max(span.step, _DAY), replace(which, since=span.before, until=since)),
    )
    deployments = gateway.pipeline.decider.deployments
    where = {name: deployments[name].location for name in deployments}
    return as_json(over_time.series(span, rows, earlier, where))


async def latency(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How long answers and their first bytes took, by deployment, over the newest 10,000 entries. Filters as for the summary."""
    measures, complete = await _measures(gateway, which_of(incoming))
    deployments = gateway.pipeline.decider.deployments
    found = await asyncio.to_thread(spread.latencies, measures, deployments, complete=complete)
    return as_json(found)


async def scores(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """How many prompts had which score, by tier, over the newest 10,000 entries, and the thresholds as they are now. Filters as for the summary."""
    measures, complete = await _measures(gateway, which_of(incoming))
    scorer = spread.scorer_of(measures) or ""
    bins = await asyncio.to_thread(spread.scores, measures, scorer)
    thresholds = gateway.pipeline.decider.thresholds(incoming.principal, scorer.partition("/")[0])
    return as_json(
        {
            "of": len(measures),
            "complete": complete,
            "scorer": scorer or None,
            "bins": [
                {"from": each.low, "to": each.high, "requests": each.requests} for each in bins
            ],
            "thresholds": thresholds_view(thresholds if scorer else {}),
        }
    )


async def errors(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """What went wrong, the most frequent first, over the newest 10,000 entries. Filters as for the summary."""
    measures, complete = await _measures(gateway, which_of(incoming))
    return as_json(await asyncio.to_thread(spread.errors, measures, complete=complete))


def thresholds_view(bounds: Mapping[str, float]) -> list[dict[str, object]]:
    """From which score on each tier is chosen; without those that no score reaches."""
    highest = 100
    return [{"tier": tier, "from": bound} for tier, bound in bounds.items() if bound <= highest]


async def _measures(gateway: Gateway, which: Filter) -> tuple[Sequence[Measure], bool]:
    """The newest settled entries, and whether that is all of them."""
    found = await gateway.charts.measures(_MOST_MEASURED + 1, which)
    return found[:_MOST_MEASURED], len(found) <= _MOST_MEASURED
