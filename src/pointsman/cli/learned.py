"""What was learned, asked of the running gateway, or of the store where none runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from pointsman.assembly import rules
from pointsman.assembly.offline import running_at, writing
from pointsman.cli import remote
from pointsman.clock import SystemClock
from pointsman.config import Settings
from pointsman.feedback.learning_view import Changes, ChangeView, LearningView, change_view
from pointsman.stages.learning import Learning
from pointsman.telemetry.decisions import SilentObserver
from pointsman.types import Json


async def status(settings: Settings, organisation: str | None) -> LearningView:
    """What is in force, and what happened. Raises PointsmanError, as all that follow."""
    if address := running_at(settings):
        query = f"?{urlencode({'organisation': organisation})}" if organisation else ""
        return await remote.call(settings, address, f"/v1/learning{query}", LearningView)
    async with _open(settings) as learning:
        return await learning.status(organisation)


async def retrained(settings: Settings, organisation: str | None) -> Changes:
    """Learn now."""
    if address := running_at(settings):
        body: Mapping[str, Json] = {"organisation": organisation}
        return await remote.call(settings, address, "/v1/retrain", Changes, body)
    async with _open(settings) as learning:
        changes = await learning.retrain(organisation)
    return Changes([change_view(each) for each in changes])


async def reverted(settings: Settings, organisation: str | None, version: str | None) -> ChangeView:
    """Put an earlier version in force again."""
    if address := running_at(settings):
        body: Mapping[str, Json] = {"organisation": organisation, "version": version}
        return await remote.call(settings, address, "/v1/learning/revert", ChangeView, body)
    async with _open(settings) as learning:
        return change_view(await learning.revert(organisation or "", version))


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Learning]:
    """Over the store itself. Raises ConfigError where a gateway holds it, LedgerUnavailable."""
    learning = Learning(
        settings,
        policy=rules.policy(settings),
        tiers={settings.tier_of(model) for model in settings.models.values()},
        clock=SystemClock(),
        observer=SilentObserver(),
    )
    async with writing(settings) as store:
        try:
            await learning.open(store, shared=False)
            yield learning
        finally:
            await learning.close()
