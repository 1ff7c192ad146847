"""A request's place in a trace, as W3C's Trace Context writes it."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.journey import CURRENT, Journey, Trace, new_trace, received, trace_headers

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
HEX = "0123456789abcdef"


def test_what_a_client_says_is_understood() -> None:
    trace = received(PARENT, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")

    assert trace == Trace(TRACE_ID, SPAN_ID, 1, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")
    assert trace.sampled
    assert trace.headers == {
        "traceparent": PARENT,
        "tracestate": "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
    }


def test_what_is_no_trace_is_none() -> None:
    wrong = (
        "",
        PARENT.upper(),
        PARENT[:-1],
        f"{PARENT}-more",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-0g",
        f"{PARENT}\n",
    )

    assert [received(each, "") for each in wrong] == [None] * len(wrong)


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert received(f"cc-{TRACE_ID}-{SPAN_ID}-ff-what-comes", "") == Trace(TRACE_ID, SPAN_ID, 3)


def test_a_state_that_no_header_may_have_is_left_out() -> None:
    for state in ("a=1\r\nx-evil: 1", "ä=1", "a=" + "x" * 2000):
        assert received(PARENT, state) == Trace(TRACE_ID, SPAN_ID, 1)


@given(
    st.text(HEX, min_size=32, max_size=32), st.text(HEX, min_size=16, max_size=16), st.booleans()
)
def test_what_is_passed_on_is_what_was_understood(trace_id: str, span_id: str, sampled) -> None:
    trace = received(f"00-{trace_id}-{span_id}-0{int(sampled)}", "")

    if trace is not None:
        assert received(trace.headers["traceparent"], "") == trace
        assert received(trace.child().headers["traceparent"], "") is not None


def test_a_new_trace_is_one_that_others_understand() -> None:
    trace = new_trace(sampled=True)

    assert received(trace.headers["traceparent"], "") == trace
    assert trace != new_trace(sampled=True)


def test_unrecorded_the_clients_headers_go_on_as_they_are() -> None:
    journey = Journey("POST", received(PARENT, "a=1"))

    assert journey.call("small") == {"traceparent": PARENT, "tracestate": "a=1"}
    assert journey.sent == []


def test_recorded_a_call_hangs_below_the_request() -> None:
    above = received(PARENT, "a=1")
    assert above is not None
    journey = Journey("POST", above.child(), above.span_id, recorded=True)

    told = received(journey.call("small")["traceparent"], "a=1")

    assert told is not None
    assert told.trace_id == TRACE_ID
    assert [(each.deployment, each.span_id) for each in journey.sent] == [("small", told.span_id)]
    assert told.span_id not in {SPAN_ID, journey.trace and journey.trace.span_id}


def test_upstreams_are_not_told_where_that_is_not_wanted() -> None:
    assert Journey("POST", received(PARENT, ""), tells=False).call("small") == {}


def test_outside_of_a_request_there_is_no_trace() -> None:
    assert CURRENT.get() is None
    assert trace_headers("small") == {}
