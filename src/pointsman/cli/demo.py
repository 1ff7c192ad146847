"""`pointsman demo`: ten prompts over all tiers, without a network, a key or a model."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import typer

from pointsman.app import App
from pointsman.cli.options import JsonOption
from pointsman.cli.output import dollars, print_json, print_table
from pointsman.config import ModelSettings, Settings
from pointsman.router import Completion, Router

PROMPTS = (
    "What is the capital of France?",
    "Translate to Spanish: good morning",
    "Fix the grammar: he go to school every days",
    "Summarize: Python is a programming language.",
    "Explain how Python decorators work, with an example",
    "Explain the attention mechanism in transformers",
    "Compare CQRS and event sourcing: trade-offs, and when to use which",
    "Design a distributed cache for 10 million requests per second with high availability",
    "Prove that there are infinitely many primes, then generalise the argument",
    "Review this contract clause for GDPR compliance: all data may be kept for ever",
)

#: Deployments that answer by script, at the prices of real models.
MODELS = {
    "demo-local": ModelSettings(provider="scripted", model="demo-local", tier="simple"),
    "demo-cloud": ModelSettings(
        provider="scripted",
        model="demo-cloud",
        tier="medium",
        location="cloud",
        priced_as="anthropic/claude-haiku-5-5",
    ),
    "demo-strong": ModelSettings(
        provider="scripted",
        model="demo-strong",
        tier="complex",
        location="cloud",
        priced_as="anthropic/claude-opus-5-5",
    ),
}


def demo(as_json: JsonOption = False) -> None:
    """Route ten prompts over three scripted models and show what that saves; no network."""
    settings = Settings(home=Path("nowhere"), models=dict(MODELS))
    done = asyncio.run(_answers(settings))
    cost = sum((each.cost or Decimal(0) for each in done), Decimal(0))
    saved = sum((each.saved or Decimal(0) for each in done), Decimal(0))
    if as_json:
        rows = [_row(prompt, each) for prompt, each in zip(PROMPTS, done, strict=True)]
        print_json({"prompts": rows, "cost": cost, "baseline_cost": cost + saved, "saved": saved})
        return
    print_table(
        ("prompt", "tier", "deployment", "score #", "cost $", "saved $"),
        [
            (
                prompt if len(prompt) <= 52 else f"{prompt[:49]}...",  # noqa: PLR2004 - fits a line
                each.tier,
                each.deployment,
                f"{each.decision.score:.0f}",
                dollars(each.cost),
                dollars(each.saved),
            )
            for prompt, each in zip(PROMPTS, done, strict=True)
        ],
    )
    share = 100 * saved / (cost + saved)
    typer.echo(
        f"\ncost {dollars(cost)}, all on claude-opus-5-5 {dollars(cost + saved)}: "
        f"saved {share:.0f} % (scripted answers at real prices: the share is no promise)"
    )


async def _answers(settings: Settings) -> list[Completion]:
    app = App(settings, environment={})
    try:
        await app.start(in_memory=True)
        router = Router(app)
        return [await router.complete(prompt) for prompt in PROMPTS]
    finally:
        await app.close()


def _row(prompt: str, done: Completion) -> dict[str, object]:
    return {
        "prompt": prompt,
        "tier": done.tier,
        "deployment": done.deployment,
        "score": done.decision.score,
        "cost": done.cost,
        "saved": done.saved,
        "reasoning": done.decision.reasoning,
    }
