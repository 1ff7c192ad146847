"""What is one organisation's serves no other, even where it got among the candidates."""

import pytest

from pointsman.routing.decide import decide
from pointsman.routing.policy import Policy
from pointsman.types import Candidate, Deployment, Dropped, Means, ModelRequest, Score, Target, Turn

REQUEST = ModelRequest(model="auto", turns=(Turn("user", "x"),), members={}, input_tokens=10)
SCORE = Score(value=10.0, parts={}, scorer="heuristic", version="1")
EVERYBODYS = Candidate(Deployment("shared", "openai", "m", "simple", "cloud"))
ACMES = Candidate(
    Deployment("acmes", "openai", "m", "simple", "cloud", organisations=frozenset({"acme"}))
)


@pytest.mark.parametrize("target", [Target("auto", "auto"), Target("deployment", "acmes")])
@pytest.mark.parametrize("who", ["globex", "", None])
def test_another_organisations_deployment_is_dropped(target: Target, who: str | None) -> None:
    means = Means(organisation=who)

    plan = decide(REQUEST, target, SCORE, [ACMES, EVERYBODYS], Policy(), means=means).plan

    assert "acmes" not in [each.deployment for each in plan.attempts]
    assert Dropped("acmes", "organisation", "is another organisation's") in plan.dropped


def test_its_own_is_not() -> None:
    means = Means(organisation="acme")

    plan = decide(
        REQUEST, Target("deployment", "acmes"), SCORE, [ACMES, EVERYBODYS], Policy(), means=means
    ).plan

    assert [each.deployment for each in plan.attempts] == ["acmes"]
