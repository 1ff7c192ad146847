"""The books added up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.ledger.report import report
from pointsman.types import ReportRow

ROWS = st.lists(
    st.builds(
        ReportRow,
        deployment=st.sampled_from([None, "small", "strong"]),
        served_tier=st.sampled_from([None, "simple", "complex"]),
        outcome=st.sampled_from(["completed", "failed", "client_left"]),
        requests=st.integers(1, 9),
        input_tokens=st.integers(0, 10**9),
        output_tokens=st.integers(0, 10**9),
        cost=st.decimals(0, 1000, places=12),
        saved=st.decimals(-1000, 1000, places=12),
        unpriced=st.integers(0, 9),
    ),
    max_size=12,
)


@given(ROWS)
def test_every_view_has_the_same_total(rows: list[ReportRow]) -> None:
    summed = report(rows)

    for lines in (summed.by_deployment, summed.by_tier, summed.by_outcome):
        assert sum(line.requests for line in lines) == summed.total.requests
        assert sum((line.cost for line in lines), Decimal(0)) == summed.total.cost
        assert sum((line.saved for line in lines), Decimal(0)) == summed.total.saved
        assert sum(line.unpriced for line in lines) == summed.total.unpriced


def test_empty_books() -> None:
    assert report([]).total.requests == 0
    assert report([]).by_deployment == ()
