"""`pointsman train --from-ledger`: outcomes in the books in, weights that are proven out."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from tests.cli.conftest import Run
from tests.support.entries import NOON, entry

from pointsman.config import load
from pointsman.feedback.features import PARTS, Features, Measured
from pointsman.storage.sqlite import SqliteStore
from pointsman.types import Entry, Feedback, Informed

#: What prompts of "acme" are hard for: their code, and nothing else.
CODE = PARTS.index("code")


class NoMeaning:
    size = 2

    def of(self, _: str) -> Measured:
        return np.zeros(2, np.float32)


def traffic(number: int, *, seed: int = 1) -> list[tuple[Entry, float]]:
    """Rated answers of two tiers, two of five drawn."""
    rng = np.random.default_rng(seed)
    features = Features(NoMeaning())
    made = []
    for at in range(number):
        points = rng.normal(0.0, 6.0, len(PARTS))
        goes_up = points.sum() > 0
        up = goes_up != (rng.random() < 0.4)
        fails = 0.1 if up else float(points[CODE] > 0)
        measured = np.concatenate([np.zeros(2), points / 10]).astype(np.float32)
        lowest = 0.4 if goes_up else 0.6
        informed = Informed(
            features=features.pack(measured),
            cold=60.0,
            propensities={"simple": lowest, "complex": 1 - lowest},
        )
        tier = "complex" if up else "simple"
        asked = entry(f"r{at}", NOON + timedelta(seconds=at), tier=tier)
        decision = replace(asked.decision, tier=tier, informed=informed)
        made.append((replace(asked, decision=decision), -1.0 if rng.random() < fails else 1.0))
    return made


def remember(rated: list[tuple[Entry, float]]) -> None:
    async def fill() -> None:
        store = SqliteStore.open(load().database)
        await asyncio.gather(*(store.reserve(each) for each, _ in rated))
        await asyncio.gather(
            *(store.add(Feedback(each.request_id, each.time, rating)) for each, rating in rated)
        )
        await store.close()

    asyncio.run(fill())


def test_what_the_outcomes_say_is_proven_written_and_used(command: Run) -> None:
    Path("pointsman.toml").write_text(TWO_TIERS, encoding="utf-8")
    remember(traffic(1000))

    code, out, err = command("train", "--from-ledger", "--organisation", "acme", "--json")

    assert (code, err) == (0, "")
    trained = json.loads(out)
    assert trained["outcomes"] == 1000
    assert trained["proof"]["holds"]
    assert trained["proof"]["outcomes"] == 200
    assert trained["proof"]["quality"]["low"] > 0
    file = json.loads(Path(trained["file"]).read_text(encoding="utf-8"))
    assert file["version"] == trained["version"]
    assert file["fitted"]["organisation"] == "acme"

    plain = scored(command)
    Path("pointsman.toml").write_text(
        f'{TWO_TIERS}weights = "{trained["file"]}"\n', encoding="utf-8"
    )
    assert scored(command)["scorer"] == f"learned/{trained['version']}"
    assert scored(command)["parts"] != plain["parts"]
    code, _, err = command("train", "--from-ledger")
    assert code == 1
    assert "too little to learn from: 0 outcomes" in err


TWO_TIERS = '[routing]\ntiers = ["simple", "complex"]\n'


def scored(command: Run) -> dict[str, object]:
    _, out, _ = command("route", "--json", "def f(x): return x")
    return json.loads(out)


def test_little_evidence_moves_nothing(command: Run) -> None:
    Path("pointsman.toml").write_text(TWO_TIERS, encoding="utf-8")
    remember(traffic(60))
    code, _, err = command("train", "--from-ledger", "--force")
    assert code == 1
    assert "too little to learn from: 60 outcomes of at least 200" in err
    assert "Traceback" not in err


def test_what_is_not_proven_is_written_only_where_that_is_asked_for(command: Run) -> None:
    Path("pointsman.toml").write_text(TWO_TIERS, encoding="utf-8")
    rng = np.random.default_rng(5)
    remember([(each, float(rng.choice([-1, 1]))) for each, _ in traffic(300)])

    code, out, err = command("train", "--from-ledger", "--out", "weights.json")
    assert (code, out) == (1, "")
    assert "not proven to be better on the 60 latest outcomes" in err
    assert not Path("weights.json").exists()

    code, out, _ = command("train", "--from-ledger", "--out", "weights.json", "--force")
    assert code == 0
    assert "[routing]\nweights = " in out
    assert Path("weights.json").exists()


def test_it_says_what_it_needs(command: Run) -> None:
    code, _, err = command("train")
    assert code == 2
    assert "--from-ledger" in err
