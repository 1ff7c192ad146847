from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cache.truth import TRIAL, RouteTruth, Truth, sampled, wilson
from pointsman.types import Check

BOUND, SHIPPED = 0.05, 0.8
WHEN = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)
RANDOM = Random(5)  # noqa: S311 - a simulation


def check(*, false: bool = False, p: float = 0.9, route: str = "auto", time: datetime = WHEN):
    return Check("r", time, "acme", route, "cr", 0.95, p, false, "judge")


def complaint(number: int, p: float = 0.9) -> Check:
    return Check("r", WHEN, "acme", "auto", f"cr_{number}", 0.95, p, True, "feedback")


def truth(**settings: float) -> Truth:
    return Truth(BOUND, SHIPPED, **settings)


def noted(checks: Iterable[Check], into: Truth | None = None) -> Truth:
    found = into or truth()
    for each in checks:
        found.note(each)
    return found


def only(found: Truth) -> RouteTruth:
    (route,) = found.routes(WHEN)
    return route


def drawn(rate: float, count: int) -> Iterable[Check]:
    return (check(false=RANDOM.random() < rate, p=RANDOM.uniform(SHIPPED, 1)) for _ in range(count))


counts = st.integers(0, 1_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
probabilities = st.floats(SHIPPED, 1)
checks = st.lists(
    st.builds(lambda p, false: check(p=p, false=false), probabilities, st.booleans()), max_size=90
)


@given(counts)
def test_an_interval_holds_the_point_estimate(counted: tuple[int, int]) -> None:
    false, count = counted
    low, high = wilson(false, count)

    assert 0 <= low <= (false / count if count else 0.5) <= high <= 1


@given(counts, st.integers(2, 5))
def test_more_checks_of_the_same_rate_narrow_an_interval(
    counted: tuple[int, int], times: int
) -> None:
    false, count = counted
    low, high = wilson(false, count)
    lower, higher = wilson(times * false, times * count)

    assert higher - lower <= high - low


@given(counts)
def test_an_interval_is_wider_the_more_often_it_must_hold(counted: tuple[int, int]) -> None:
    low, high = wilson(*counted, confidence=0.9)
    lower, higher = wilson(*counted, confidence=0.99)

    assert lower <= low
    assert high <= higher


def test_an_interval_is_newcombes() -> None:
    # Newcombe 1998, table I, method 4
    assert wilson(81, 263) == pytest.approx((0.2535, 0.3682), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0598, 0.1644), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.2005), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0018, 0.1963), abs=5e-5)


def test_no_checks_say_nothing_and_impossible_ones_are_refused() -> None:
    assert wilson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1), st.floats(0, 1))
def test_who_is_sampled_stays_so_with_a_greater_share(id_: str, one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert sampled(id_, less) <= sampled(id_, more)
    assert sampled(id_, 1.0)
    assert not sampled(id_, 0.0)


def test_the_share_is_sampled() -> None:
    found = sum(sampled(f"req_{n}", 0.02) for n in range(20_000))

    assert found == pytest.approx(400, abs=80)


def test_a_route_begins_at_the_shipped_threshold_with_nothing_known() -> None:
    found = truth()

    assert found.threshold("auto", WHEN) == SHIPPED
    assert found.routes(WHEN) == []


def test_a_route_says_what_its_checks_say() -> None:
    route = only(noted([check(), check(), check(), check(false=True)]))

    assert (route.checks, route.false, route.rate) == (4, 1, 0.25)
    assert route.low <= 0.25 <= route.high
    assert (route.bound, route.threshold, route.on, route.why) == (BOUND, SHIPPED, True, "")


def test_a_route_that_is_plainly_bad_is_switched_off_early_and_says_why() -> None:
    found = noted(check(false=n % 3 == 0, p=SHIPPED) for n in range(60))

    assert found.threshold("auto", WHEN) is None
    assert only(found).why == "11 of the newest 31 false: above 0.05"


def test_a_route_that_has_not_shown_to_be_good_by_its_exam_is_switched_off() -> None:
    found = noted(check(false=n % 25 == 24, p=SHIPPED) for n in range(TRIAL - 1))
    assert found.threshold("auto", WHEN) == SHIPPED

    noted([check(false=True, p=SHIPPED)], found)

    assert found.threshold("auto", WHEN) is None
    assert only(found).why == "12 of 300 false: not surely under 0.05"


def test_a_route_without_false_hits_stays_on() -> None:
    assert noted(check() for _ in range(1_000)).threshold("auto", WHEN) == SHIPPED


def test_a_route_that_was_good_and_is_bad_now_is_switched_off() -> None:
    found = noted(check(p=SHIPPED) for _ in range(2_000))
    noted((check(false=n % 5 == 0, p=SHIPPED) for n in range(TRIAL)), found)

    assert found.threshold("auto", WHEN) is None


def test_the_threshold_rises_to_where_hits_are_good() -> None:
    found = noted(check(false=p < 0.9, p=p) for _ in range(20) for p in (0.82, 0.93, 0.95, 0.97))

    assert found.threshold("auto", WHEN) == 0.93
    assert only(found).false == 0
    assert only(found).why.endswith("from 0.93 on")


def test_hits_below_the_threshold_count_no_more() -> None:
    mixed = [check(false=p < 0.9, p=p) for _ in range(20) for p in (0.82, 0.93, 0.95, 0.97)]
    found = noted(mixed)
    before = only(found)

    noted((check(false=True, p=0.85) for _ in range(50)), found)

    assert only(found) == before


def test_routes_have_their_own_bounds_and_their_own_evidence() -> None:
    found = Truth(BOUND, SHIPPED, {"code": 0.5})
    for route in ("auto", "code"):
        noted((check(false=n % 3 == 0, p=SHIPPED, route=route) for n in range(60)), found)

    assert found.threshold("auto", WHEN) is None
    assert found.threshold("code", WHEN) == SHIPPED
    assert [each.route for each in found.routes(WHEN)] == ["auto", "code"]


def test_off_is_off_until_it_is_reset() -> None:
    found = noted(check(false=True, p=SHIPPED) for _ in range(40))
    noted((check() for _ in range(1_000)), found)
    assert found.threshold("auto", WHEN) is None

    found.reset("auto")

    assert found.threshold("auto", WHEN) == SHIPPED
    assert found.routes(WHEN) == []


def test_a_verdict_that_is_too_old_does_not_stand() -> None:
    found = truth(horizon_s=30 * DAY.total_seconds())
    noted((check(false=True, p=SHIPPED) for _ in range(40)), found)

    assert found.threshold("auto", WHEN + 30 * DAY) is None
    assert found.threshold("auto", WHEN + 31 * DAY) == SHIPPED


def test_a_clock_that_was_too_far_ahead_disables_nothing() -> None:
    found = noted([check(time=WHEN + 45 * DAY)])
    noted((check(false=True, p=SHIPPED) for _ in range(100)), found)

    assert found.threshold("auto", WHEN) is None


def test_complaints_count_for_themselves() -> None:
    found = noted([*(check() for _ in range(200)), *(complaint(n) for n in range(9))])

    assert (only(found).checks, only(found).false, only(found).complaints) == (200, 0, 9)
    assert found.threshold("auto", WHEN) == SHIPPED


def test_a_reply_that_many_complain_of_counts_once() -> None:
    found = noted(complaint(1) for _ in range(100))

    assert only(found).complaints == 1
    assert found.threshold("auto", WHEN) == SHIPPED


def test_complaints_switch_off_where_they_alone_are_too_many_for_the_hits() -> None:
    few_hits = noted([check(), *(complaint(n) for n in range(12))], truth(share=0.02))
    many_hits = noted(
        [*(check() for _ in range(100)), *(complaint(n) for n in range(12))], truth(share=0.02)
    )

    assert few_hits.threshold("auto", WHEN) is None
    assert "complaints of about 100 hits" in only(few_hits).why
    assert many_hits.threshold("auto", WHEN) == SHIPPED


@pytest.mark.parametrize(("bound", "share"), [(0.0, 0.1), (1.0, 0.1), (0.05, 0.0), (0.05, 1.5)])
def test_what_can_not_be_is_refused(bound: float, share: float) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1|above 0"):
        Truth(bound, SHIPPED, share=share)


@given(checks)
def test_no_evidence_lowers_the_threshold_below_the_shipped_one(seen: list[Check]) -> None:
    found = truth()
    for each in seen:
        found.note(each)
        threshold = found.threshold("auto", WHEN)
        assert threshold is None or threshold >= SHIPPED


@given(checks.map(lambda seen: seen[:29]), st.randoms(use_true_random=False))
def test_before_a_verdict_the_order_does_not_matter(seen: list[Check], rng: Random) -> None:
    shuffled = rng.sample(seen, len(seen))

    assert noted(seen).routes(WHEN) == noted(shuffled).routes(WHEN)


@given(checks, checks)
def test_routes_do_not_touch_each_other(seen: list[Check], others: list[Check]) -> None:
    alone = noted(seen)
    named = truth()
    for each, other in zip(seen, others, strict=False):
        noted([each, check(false=other.false, p=other.probability, route="code")], named)
    noted(seen[len(others) :], named)

    assert named.threshold("auto", WHEN) == alone.threshold("auto", WHEN)


@given(checks)
def test_the_same_checks_in_the_same_order_lead_to_the_same(seen: list[Check]) -> None:
    assert noted(seen).routes(WHEN) == noted(seen).routes(WHEN)


def test_routes_above_the_bound_are_off_within_300_checks() -> None:
    # shares of the whole bench: .993 at 1.25 times the bound, 1 at twice the bound
    slightly = [noted(drawn(1.25 * BOUND, TRIAL)).threshold("auto", WHEN) for _ in range(150)]
    plainly = [noted(drawn(2 * BOUND, TRIAL)).threshold("auto", WHEN) for _ in range(150)]

    assert slightly.count(None) >= 145
    assert plainly.count(None) == 150


def test_routes_at_a_tenth_of_the_bound_stay_on() -> None:
    done = [noted(drawn(BOUND / 10, 600)).threshold("auto", WHEN) for _ in range(60)]

    assert None not in done


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.055, 0.06, 0.1, 0.3])
def test_the_interval_holds_the_true_rate_also_of_those_switched_off(rate: float) -> None:
    done = [only(noted(drawn(rate, 400))) for _ in range(100)]
    held = sum(each.low <= rate <= each.high for each in done)

    assert held >= 92
