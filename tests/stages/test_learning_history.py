"""What changes tell of what was learned, and what makes a version another."""

from pathlib import Path

from msgspec.structs import replace
from tests.support.learned import NOON, change, outcome

from pointsman.assembly import rules
from pointsman.config import Settings
from pointsman.feedback.history import history, version_before
from pointsman.stages.teaching import teacher
from pointsman.types import SHIPPED


def test_a_history_knows_how_often_it_was_looked_at() -> None:
    kept = replace(
        change("kept", 5, kind="kept"), version=None, evidence='{"look": 3, "outcomes": 90}'
    )
    alarm = replace(
        change("drift", 4, kind="drift"), version=None, evidence=f'{{"time": "{NOON.isoformat()}"}}'
    )
    two, one = change("v_2", 2), change("v_1", 1)
    found = history([kept, alarm, two, one])
    assert (found.version, found.before, found.looks, found.outcomes) == ("v_2", "v_1", 3, 90)
    assert found.drift == NOON
    assert history([two, kept]).looks == 0
    moved = change("v_3", 6, kind="threshold")  # judged by the same outcomes
    assert (history([moved, kept, two]).version, history([moved, kept, two]).looks) == ("v_3", 3)
    again = change("v_2", 9, kind="reverted")  # to what is in force: nothing begins anew
    assert history([again, kept, two, one]).looks == history([kept, two, one]).looks > 0
    assert version_before([change("v_a", 3, "acme")], [two, one]) == "v_2"
    assert version_before([change("v_a", 1, "acme")], [two]) == SHIPPED


def test_versions_of_the_same_outcomes_are_the_same_only_where_they_begin_alike() -> None:
    settings = Settings(home=Path("nowhere"))
    taught = teacher(rules.policy(settings), ["simple", "complex"])

    def learned(shift: float) -> str:
        rows = [outcome(number, "acme") for number in range(6)]
        others = [outcome(number, "other", quality=shift) for number in range(6, 12)]
        evidence = {"": [*rows, *others], "acme": rows, "other": others}
        return taught.compare("acme", evidence, taught.shipped, look=1, least=5).version.id

    assert learned(0.0) == learned(0.0) != learned(1.0)
