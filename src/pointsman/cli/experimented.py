"""Experiments, asked of the running gateway, or of the store where none runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from pointsman.assembly.offline import running_at, writing
from pointsman.cli import remote
from pointsman.clock import SystemClock
from pointsman.config import Settings
from pointsman.feedback.experiment_view import (
    Ending,
    ExperimentList,
    ExperimentView,
    NewExperiment,
    experiment_list,
    experiment_view,
)
from pointsman.server.bodies import read
from pointsman.stages.experimenting import Experimenting
from pointsman.types import Json, Principal

#: Whoever may open the store is an admin everywhere.
_OPERATOR = Principal(key="operator")
_PATH = "/v1/experiments"
_T = TypeVar("_T")


async def started(settings: Settings, wish: Mapping[str, Json]) -> ExperimentView:
    """Start one. Raises BadRequest, or ConfigError with the gateway's words; so do the others."""
    if address := running_at(settings):
        return await remote.call(settings, address, _PATH, ExperimentView, wish)
    async with _open(settings) as experiments:
        made = await experiments.start(_OPERATOR, await _as(wish, NewExperiment))
        return experiment_view(made, experiments.tiers)


async def listed(settings: Settings) -> ExperimentList:
    """All of them, the newest first; those that run with their figures."""
    if address := running_at(settings):
        found = await remote.call(settings, address, _PATH, ExperimentList)
        for place, each in enumerate(found.data):
            if each.state == "running":
                found.data[place] = await remote.call(
                    settings, address, _path(each.id), ExperimentView
                )
        return found
    async with _open(settings) as experiments:
        known = experiments.list(_OPERATOR)
        views = experiment_list(known, experiments.tiers)
        for place, one in enumerate(reversed(known)):
            if one.state == "running":
                figures = await experiments.figures(one)
                views.data[place] = experiment_view(one, experiments.tiers, figures)
    return views


async def shown(settings: Settings, experiment_id: str) -> ExperimentView:
    """One of them with its figures."""
    if address := running_at(settings):
        return await remote.call(settings, address, _path(experiment_id), ExperimentView)
    async with _open(settings) as experiments:
        found = experiments.get(_OPERATOR, experiment_id)
        return experiment_view(found, experiments.tiers, await experiments.figures(found))


async def stopped(settings: Settings, experiment_id: str, reason: str) -> ExperimentView:
    """Stop it; its last figures."""
    if address := running_at(settings):
        wish: Mapping[str, Json] = {"reason": reason}
        return await remote.call(
            settings, address, f"{_path(experiment_id)}/stop", ExperimentView, wish
        )
    async with _open(settings) as experiments:
        ended = await experiments.stop(_OPERATOR, experiment_id, Ending(reason).reason)
        return experiment_view(ended, experiments.tiers, await experiments.figures(ended))


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Experimenting]:
    tiers = {name: settings.tier_of(model) for name, model in settings.models.items()}
    async with writing(settings) as store:
        learns = settings.learning.enabled
        experiments = Experimenting(
            tiers, SystemClock(), knows=(lambda _: True) if learns else None
        )
        await experiments.open(store)
        yield experiments


async def _as(wish: Mapping[str, Json], kind: type[_T]) -> _T:
    """As the gateway reads it."""
    return await read(msgspec.json.encode(wish), kind)


def _path(experiment_id: str) -> str:
    return f"{_PATH}/{quote(experiment_id, safe='')}"
