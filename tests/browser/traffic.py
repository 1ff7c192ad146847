"""What a gateway under the dashboard has answered: of every tier, outcome and kind."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.support.gateway import Gateway

#: Any model may be asked for, so that a name can hold anything; prompts are kept to be looked at.
CONFIG = """
unknown_model = "auto"
[prompts]
store = true
[routing.verify]
when = "off"

[models.llama]
provider = "scripted"
model = "llama-3.2-3b"
tier = "simple"
location = "local"
context_length = 8192

[models.haiku]
provider = "scripted"
model = "claude-haiku-5-5"
tier = "medium"
location = "cloud"
priced_as = "anthropic/claude-haiku-5-5"

[models.opus]
provider = "scripted"
model = "claude-opus-5-5"
tier = "complex"
location = "cloud"
priced_as = "anthropic/claude-opus-5-5"

[models.flaky]
provider = "scripted"
model = "flaky-1"
tier = "medium"
location = "cloud"
weight = 0
[[models.flaky.script]]
status = 503
"""
SIMPLE = (
    "What is Python?",
    "Say hello in French.",
    "How many days has a week?",
    "Translate 'good morning' into Spanish.",
    "Which is larger, 3 or 7?",
)
HARD = (
    "Prove that there are infinitely many primes of the form 4k+3, and give every step.",
    "Design a lock-free queue for many producers and consumers in C++ and prove its linearisability.",
    "Refactor this recursive descent parser into a Pratt parser and keep its error recovery.",
)


_numbers = itertools.count(1)


def unseen(text: str) -> str:
    """The same to ask, in words that no cache has."""
    return f"{text} This is question {next(_numbers)}."


def gateway(home: Path, config: str = CONFIG, *, api_key: str | None = None) -> Gateway:
    """A gateway that keeps prompts and caches; `with` starts it."""
    return Gateway(home, config, api_key=api_key, cache=True)


def ask(gateway: Gateway, text: str, model: str = "auto", **members: object) -> str:
    """Ask it something, however it ends; the request's id."""
    prompt = [{"role": "user", "content": text}]
    return gateway.chat({"model": model, "messages": prompt, **members}).headers["x-request-id"]


def furnish(gateway: Gateway) -> None:
    """Some of everything: tiers, cache hits, streams, users, failures, feedback."""
    for text in (*SIMPLE, *HARD):
        first = ask(gateway, text)
    for text in SIMPLE[:3]:
        ask(gateway, text)  # out of the cache
    for place, model in enumerate(("llama", "haiku", "opus") * 4):
        ask(gateway, f"Tell me story {place}.", model, stream=True, user=f"user-{place % 3}")
    for place in range(2):
        ask(gateway, f"Try it, attempt {place}.", "flaky")
    feedback = b'{"request_id": "%b", "rating": -1, "comment": "Too short"}' % first.encode()
    assert gateway.send("POST", "/v1/feedback", feedback).status < 300
