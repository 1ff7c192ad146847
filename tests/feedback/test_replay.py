"""Labelled prompts served as traffic: qualities of both tiers in, what was learned and spent out."""

from random import Random

from tests.feedback.test_belief import FEATURES, SHIPPED, TOPICS

from pointsman.feedback.replay import STRONG, WEAK, Labelled, Serving, replay
from pointsman.types import Score


def _chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same each time


def _prompts(count: int, hard: str, seed: int = 0) -> list[Labelled]:
    """Where the weak tier fails in one topic, and the strong one never."""
    random, found = _chance(seed), []
    for _ in range(count):
        topic = random.choice(TOPICS)
        measured = FEATURES.of(Score(50.0, {}, "learned", "1"), topic)
        quality = {WEAK: float(topic != hard), STRONG: 1.0}
        found.append(Labelled(measured, FEATURES.pack(measured), random.uniform(62, 72), quality))
    return found


def test_it_learns_what_it_was_shown_of_one_tier_at_a_time() -> None:
    run = replay(_prompts(200, "law"), SHIPPED, Serving(69.3, even=0.5), _chance(1))

    hard, easy = (
        run.belief.predict(FEATURES.of(Score(50.0, {}, "learned", "1"), topic), 66.0)
        for topic in ("law", "chat")
    )
    assert hard.score > easy.score + 2
    assert {each.tier for each in run.outcomes} == {WEAK, STRONG}
    assert {each.propensity for each in run.outcomes} == {0.5}


def test_exploring_keeps_within_its_account() -> None:
    run = replay(_prompts(200, "law"), SHIPPED, Serving(69.3), _chance(2))

    assert 0 <= run.extra <= 0.05 * run.spent


def test_only_some_answers_are_rated_and_some_ratings_are_wrong() -> None:
    serving = Serving(69.3, even=1.0, rated=0.2, flipped=0.5)

    run = replay(_prompts(300, "law"), SHIPPED, serving, _chance(3))

    assert 30 < len(run.outcomes) < 90
    assert {each.quality for each in run.outcomes} == {0.0, 1.0}  # all of them were right
    assert len(run.missed) == 300


def test_what_it_goes_on_from_counts() -> None:
    serving = Serving(69.3, even=0.5)
    run = replay(_prompts(60, "law"), SHIPPED, serving, _chance(4))

    more = replay(_prompts(60, "law", 1), SHIPPED, serving, _chance(5), run)

    assert len(more.outcomes) == 120
    assert more.belief.outcomes > 100
