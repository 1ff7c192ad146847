"""What a deployment makes of our count of tokens, learned from the replies that say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pointsman.calling.estimate import Estimates
from pointsman.types import Usage

PROMPT, PRODUCED = 1_000, 4_000


def counted(prompt: int, output: int) -> Usage:
    """Our own count."""
    return Usage(prompt, output, estimated=True)


def taught(stated: Usage, replies: int = 1_000) -> Estimates:
    """After so many replies with these figures, each over a prompt and a reply of 1,000 tokens."""
    estimates = Estimates()
    for _ in range(replies):
        estimates.learn(stated, PROMPT, PRODUCED)
    return estimates


def test_before_anything_is_known_our_count_is_taken():
    assert Estimates().of(counted(120, 30), 120) == counted(120, 30)


def test_what_the_upstream_says_is_taken_as_it_is():
    said = Usage(120, 30)

    assert taught(Usage(2_000, 500)).of(said, 120) == said


def test_a_cut_reply_has_what_others_had_for_what_we_count():
    stated = Usage(1_500, 700, cached_tokens=600, written_tokens=150)

    probable = taught(stated).of(counted(2_000, 100), 2_000)

    assert probable == Usage(3_000, 70, cached_tokens=1_200, written_tokens=300, estimated=True)


def test_a_prompt_that_was_counted_by_the_upstream_is_left_alone():
    begun = Usage(777, 100, cached_tokens=5, estimated=True)

    probable = taught(Usage(1_500, 700)).of(begun, 2_000)

    assert probable == Usage(777, 70, cached_tokens=5, estimated=True)


def test_our_own_count_teaches_nothing():
    estimates = taught(counted(9_000, 9_000))

    assert estimates.of(counted(100, 100), 100) == counted(100, 100)


def test_whole_replies_teach_what_their_prompts_are():
    estimates = Estimates()
    for _ in range(1_000):
        estimates.learn(Usage(2_000, 500), PROMPT, None)

    assert estimates.of(counted(100, 100), 100) == counted(200, 100)


def test_a_model_that_changes_behind_its_name_is_followed():
    estimates = taught(Usage(1_000, 500))

    for _ in range(20_000):
        estimates.learn(Usage(1_000, 2_000), PROMPT, PRODUCED)

    assert estimates.of(counted(10, 100), 10).output_tokens >= 199


@given(
    st.lists(st.tuples(*[st.integers(0, 10**9)] * 6), max_size=20),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_whatever_was_said_an_estimate_stays_within_reason(
    said: list[tuple[int, int, int, int, int, int]], prompt: int, output: int
):
    estimates = Estimates()
    for read, written, cached, kept, tokens, size in said:
        estimates.learn(Usage(read, written, cached, kept), tokens, size)

    probable = estimates.of(counted(prompt, output), prompt)

    assert probable.estimated
    for found, ours in ((probable.input_tokens, prompt), (probable.output_tokens, output)):
        assert ours / 8 - 1 <= found <= ours * 8 + 1
    assert 0 <= probable.cached_tokens <= probable.input_tokens
    assert 0 <= probable.cached_tokens + probable.written_tokens <= probable.input_tokens
