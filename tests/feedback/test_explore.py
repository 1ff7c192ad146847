"""How likely another tier is drawn, which one it is, and what that may cost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.feedback.explore import LEAST, MOST, Account, Choice, draw, probabilities
from pointsman.ids import new_request_id

THREE = ("simple", "medium", "complex")
BOUNDS = {"simple": 0.0, "medium": 30.0, "complex": 60.0}
SHARE = 0.05


def choice(score: float, *spread: float, tier: str | None = None) -> Choice:
    chosen = next(t for t in reversed(THREE) if score >= BOUNDS[t]) if tier is None else tier
    return Choice(chosen, score, spread or (10.0,), BOUNDS)


def test_a_score_on_the_line_is_drawn_most_and_one_far_from_it_hardly() -> None:
    near = probabilities(choice(29.0), THREE, share=SHARE, most=MOST)
    far = probabilities(choice(2.0), THREE, share=SHARE, most=MOST)
    assert near["medium"] == pytest.approx(0.46, abs=0.01)
    assert far["medium"] == pytest.approx(LEAST * SHARE)


def test_without_doubt_a_neighbour_is_still_tried_now_and_then() -> None:
    sure = probabilities(choice(45.0, 0.0), THREE, share=SHARE, most=SHARE)
    assert sure == pytest.approx(
        {"simple": LEAST * SHARE, "medium": 1 - 2 * LEAST * SHARE, "complex": LEAST * SHARE}
    )


def test_only_neighbours_that_are_admissible_are_drawn() -> None:
    assert set(probabilities(choice(10.0), THREE, share=SHARE, most=MOST)) == {"simple", "medium"}
    assert set(probabilities(choice(10.0), ("complex",), share=SHARE, most=MOST)) == {
        "simple",
        "complex",
    }
    assert probabilities(choice(10.0), (), share=SHARE, most=MOST) == {"simple": 1.0}


@given(
    score=st.floats(0, 100),
    spread=st.lists(st.floats(0, 50), min_size=1, max_size=2),
    admissible=st.sets(st.sampled_from(THREE)),
    share=st.floats(0, 0.5),
    most=st.floats(0, 1),
)
def test_probabilities_add_up_and_keep_their_bounds(
    score: float, spread: list[float], admissible: set[str], share: float, most: float
) -> None:
    made = choice(score, *spread)
    found = probabilities(made, admissible, share=share, most=most)
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0 <= each <= 1 for each in found.values())
    assert set(found) - {made.tier} <= admissible
    assert 1 - found[made.tier] <= min(most, MOST) + 1e-9
    assert list(found) == [tier for tier in THREE if tier in found]


def test_the_same_request_draws_the_same_and_many_draw_as_likely_as_it_says() -> None:
    chances = {"simple": 0.7, "medium": 0.2, "complex": 0.1}
    assert len({draw("req_1", chances) for _ in range(10)}) == 1
    drawn = Counter(draw(new_request_id(), chances) for _ in range(20_000))
    for tier, likely in chances.items():
        assert drawn[tier] / 20_000 == pytest.approx(likely, abs=0.02)


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 30), st.floats(0, 10), st.floats(0, 10)),
        max_size=200,
    ),
    st.floats(0, 0.5),
    st.floats(0, 1),
)
def test_no_traffic_makes_exploration_take_more_than_its_shares(
    traffic: list[tuple[float, float, float, float]], share: float, cost: float
) -> None:
    account = Account(share, cost, first=3)
    likely, spent, added = 0.0, 0.0, 0.0
    for at, (score, spread, usual, dearer) in enumerate(traffic):
        admissible = THREE if account.affords(dearer) else ()
        found = probabilities(choice(score, spread), admissible, share=share, most=account.most)
        tier = draw(f"req_{at}", found)
        extra = dearer if tier != choice(score).tier else 0.0
        account.spend(usual + extra, extra)
        if account.most > 0:
            account.count(1 - max(found.values()), drawn=extra > 0)
        likely += 1 - max(found.values())
        spent, added = spent + usual + extra, added + extra
    assert likely <= share * len(traffic) + 1e-6
    assert added <= cost * spent + 1e-6


def test_the_first_requests_are_not_drawn() -> None:
    account = Account(0.05, 0.05, first=2)
    said = []
    for _ in range(4):
        said.append(account.most)
        account.spend(0.01)
        if account.most:
            account.count(0.0, drawn=False)
    assert said == pytest.approx([0.0, 0.0, 0.1, 0.15])


def test_what_many_at_once_took_too_much_is_made_up_for() -> None:
    account = Account(0.05, 1.0)
    expected = requests = 0.0
    for _ in range(50):
        for at_once in (20, 200):  # the quiet ones bring what the others then all see
            likely = min(account.most, 0.01) if at_once == 20 else account.most
            for _ in range(at_once):
                account.count(likely, drawn=False)
            expected, requests = expected + likely * at_once, requests + at_once
    assert expected / requests < 0.06
