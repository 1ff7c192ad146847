"""Experiments: started, looked at, stopped."""

from __future__ import annotations

from pointsman.access.permissions import scope_of
from pointsman.feedback.experiment_view import (
    Ending,
    NewExperiment,
    experiment_list,
    experiment_view,
)
from pointsman.server.bodies import read
from pointsman.server.gateway import Gateway
from pointsman.server.http import Incoming, Outgoing, as_json
from pointsman.server.query import check_names


async def start(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """Compare two deployments, or two learned versions, on a share of the conversations."""
    wish = await read(incoming.body, NewExperiment)
    experiments = gateway.experiments
    started = await experiments.start(incoming.principal, wish)
    return as_json(experiment_view(started, experiments.tiers), status=201)


async def listed(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """The experiments, the newest first, without their figures."""
    check_names(incoming.query, ())
    experiments = gateway.experiments
    return as_json(experiment_list(experiments.list(incoming.principal), experiments.tiers))


async def show(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """One experiment with its figures: quality, cost and latency of both sides, with intervals."""
    experiments, by = gateway.experiments, incoming.principal
    found = experiments.get(by, incoming.parameters["id"])
    sees_all = scope_of(by).key is None  # else its own records only, and these are everybody's
    figures = await experiments.figures(found) if sees_all else None
    return as_json(experiment_view(found, experiments.tiers, figures))


async def stop(gateway: Gateway, incoming: Incoming) -> Outgoing:
    """End an experiment: every request goes again where it would. What it showed stays."""
    ending = await read(incoming.body, Ending) if incoming.body else Ending()
    experiments, by = gateway.experiments, incoming.principal
    ended = await experiments.stop(by, incoming.parameters["id"], ending.reason)
    return as_json(experiment_view(ended, experiments.tiers, await experiments.figures(ended)))
