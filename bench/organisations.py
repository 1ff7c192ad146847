"""What organisations cost: a decision, a change, and memory, by how many there are.

``python -m bench.organisations [--organisations 10 100 400] [--seconds 2] [--json FILE]`` gives a
gateway in this process so many organisations, each with ten members, a provider's key and two
deployments of its own, beside four deployments that all share. It decides a request of one of them
again and again, changes one of them, and weighs the process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pointsman.access.directory import place_of
from pointsman.app import App
from pointsman.assembly.tenancy import ENCRYPTION_KEY
from pointsman.config import CacheSettings, ModelSettings, Settings
from pointsman.formats.chat.request import parse_chat
from pointsman.storage.vault import Vault, new_key
from pointsman.types import Call, Member, Organisation, OwnDeployment, Principal, ProviderKey

MEMBERS, OWN = 10, 2
NOW = datetime(2026, 11, 22, tzinfo=UTC)
BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "What is Python?"}]}'
MODEL = {"provider": "openai", "model": "gpt-6.1-sol", "tier": "complex"}


@dataclass
class Measured:
    """With so many organisations."""

    organisations: int
    #: CPU of one decision, median, microseconds.
    decide_us: float
    #: CPU to put one more change into force, median, milliseconds.
    change_ms: float
    #: Resident memory beyond that of none, KiB for each organisation.
    memory_kb: float


def settings() -> Settings:
    """Four deployments that everybody shares."""
    models = {
        f"shared{number}": ModelSettings(
            provider="openai", model="gpt-6-luna", tier=tier, api_key="sk-operators"
        )
        for number, tier in enumerate(("simple", "medium", "medium", "complex"))
    }
    return Settings(models=models, cache=CacheSettings(exact=False))


async def furnish(app: App, vault: Vault, count: int) -> None:
    """Make that many organisations, in the store."""
    store = app.bookkeeping.store
    for name in (f"o{number}" for number in range(count)):
        await store.put_tenant(Organisation(name, name, NOW))
        for number in range(MEMBERS):
            await store.put_tenant(Member(name, f"m{number}", f"p{number}", "user", NOW))
        key = ProviderKey(name, "openai", NOW, b"")
        sealed = vault.seal(f"sk-{name}-0123456789abcdef", place_of(key))
        await store.put_tenant(ProviderKey(name, "openai", NOW, sealed))
        for number in range(OWN):
            await store.put_tenant(OwnDeployment(name, f"d{number}", NOW, MODEL))


async def measure(count: int, seconds: float) -> Measured:
    """One gateway."""
    key = new_key()
    app = App(settings(), environment={ENCRYPTION_KEY: key})
    await app.start(in_memory=True, load=False)
    try:
        before = resident_kb()
        await furnish(app, Vault.parse(key), count)
        await app.bookkeeping.refresh_organisations()
        grown = resident_kb() - before
        call = Call("r", NOW, Principal(f"o{count // 2}", "pm_1"), parse_chat(BODY))
        decided: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = cpu()
            app.decider.decide(call)
            decided.append(cpu() - began)
        changed: list[float] = []
        for number in range(5):
            await app.bookkeeping.store.put_tenant(OwnDeployment("o0", f"n{number}", NOW, MODEL))
            began = cpu()
            await app.bookkeeping.refresh_organisations()
            changed.append(cpu() - began)
    finally:
        await app.close()
    return Measured(
        count,
        statistics.median(decided) * 1e6,
        statistics.median(changed) * 1e3,
        grown / count,
    )


def cpu() -> float:
    """CPU of this process, seconds."""
    return time.process_time()


def resident_kb() -> float:
    """Resident memory of this process now, KiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--organisations", type=int, nargs="+", default=[10, 100, 400])
    parser.add_argument("--seconds", type=float, default=2.0, help="for the decisions of each")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = [asyncio.run(measure(count, asked.seconds)) for count in asked.organisations]
    print(f"{'organisations':>14} {'decision, us':>13} {'change, ms':>11} {'memory each, KiB':>17}")
    for each in found:
        print(
            f"{each.organisations:>14} {each.decide_us:>13.0f} {each.change_ms:>11.1f}"
            f" {each.memory_kb:>17.1f}"
        )
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in found], indent=2))


if __name__ == "__main__":
    main()
