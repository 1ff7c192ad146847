"""What is kept of a conversation holds no secret and no personal data that can be found."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ordinary_prompts import ordinary
from tests.support.private_prompts import Prompt, private

from pointsman.ledger.redact import Redacted, redact
from pointsman.routing.privacy import Detector, Place
from pointsman.types import Turn

PERSONAL = Detector("personal")
KEY = "sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3"
CARD = "4539 1488 0343 6467"
PROMPTS = tuple(private(2000))


def clean(*texts: str, reply: str | None = None) -> Redacted:
    return redact([Turn("user", text) for text in texts], reply, PERSONAL.places)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"why does {KEY} fail?", "why does [api_key] fail?"),
        (f'{{"key":"{KEY}","n":1}}', '{"key":"[api_key]","n":1}'),
        (f"charge {CARD} please", "charge [card_number] please"),
        ("DE89 3704 0044 0532 0130 00 is mine", "[iban] is mine"),
        ("write to jane.doe@acme.de, now", "write to [email] now"),
        ("ask jane.doe (at) acme (dot) de, then", "ask [email] then"),
        ("my password is hunter2Xk! ok", "my password is [password] ok"),
        ("postgres://bob:s3cr3t-Pa55@db.internal/shop up?", "[password] up?"),
        ("born on 12.03.1984 in Bonn", "born on [birth_date] in Bonn"),
        ("user;passwort;rolle\nbob;Xk29paQ;admin", "user;passwort;rolle\n[password]"),
        ("nothing to see", "nothing to see"),
        ("", ""),
        # Tricks that hide a value from a pattern hide it from nobody here.
        ("s k - 8 J q 2 L m X v 0 R t Y w 7 N z K c 5 P b H d 3 !", "[api_key] !"),
        ("sk-proj-8Jq2LmXv\n0RtYw7NzKc5PbHd3 fails", "[api_key] fails"),
        ("4539\u200b1488\u200b0343\u200b6467 please", "[card_number] please"),
    ],
)
def test_a_mark_stands_for_what_was_there(text: str, kept: str) -> None:
    assert clean(text).turns[0].text == kept


def test_a_private_key_goes_to_its_end() -> None:
    body = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"] * 30)
    whole = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"

    assert clean(f"is {whole} fine?").turns[0].text == "is [private_key] fine?"
    assert clean(f"is {whole[:-30]}").turns[0].text == "is [private_key]"


def test_every_row_of_a_table_not_only_the_first() -> None:
    table = "user,password\n" + "\n".join(f"u{n},Xk29pa{n}!Qz" for n in range(50)) + "\n\nand now?"

    said = clean(table).turns[0].text

    assert "Xk29pa" not in said
    assert said.startswith("user,password\n")
    assert said.endswith("\n\nand now?")


def test_every_turn_and_the_reply_whoever_spoke() -> None:
    turns = [Turn("system", f"Use {KEY}."), Turn("user", "Hi"), Turn("assistant", CARD)]

    kept = redact(turns, f"Your card is {CARD}", PERSONAL.places)

    assert [turn.role for turn in kept.turns] == ["system", "user", "assistant"]
    assert [turn.text for turn in kept.turns] == ["Use [api_key]", "Hi", "[card_number]"]
    assert kept.reply == "Your card is [card_number]"
    assert kept.kinds == ("api_key", "card_number")


def test_no_answer_stays_none() -> None:
    assert clean("hi").reply is None


def test_none_of_2000_secrets_is_left() -> None:
    left = [(prompt.text, said) for prompt in PROMPTS if (said := leak(prompt)) is not None]

    assert left == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail bob@example.com please", "mail [email] please"),
        ("write to alice@example.org.", "write to [email]"),
        ("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD", "key [api_key]"),
        ("my key is sk-1234567890abcdef1234567890abcdef", "my key is [api_key]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[api_key]"),
        ("ghp_abcdefghijklmnopqrstuvwxyzabcdefghij", "[api_key]"),
    ],
)
def test_what_is_made_up_is_taken_too_for_who_can_tell(text: str, said: str) -> None:
    assert clean(text).turns[0].text == said


@pytest.mark.parametrize(
    "text",
    [
        "a key-value-store-implementation",
        "secret_management_service",
        "user@example.com",
        "git@github.com:a/b",
    ],
)
def test_names_that_only_begin_like_a_secret_stay(text: str) -> None:
    assert clean(text).turns[0].text == text


def test_hardly_anything_of_ordinary_prompts_is_taken() -> None:
    texts = list(ordinary(2000))
    taken = [text for text in texts if clean(text).turns[0].text != text]

    assert len(taken) <= 0.01 * len(texts)


@given(
    st.lists(st.sampled_from(PROMPTS), min_size=1, max_size=4),
    st.sampled_from(["\n\n", "\n", "\n---\n", "\t", "\n> "]),
)
def test_secrets_beside_each_other_hide_none(chosen: list[Prompt], between: str) -> None:
    said = clean(between.join(prompt.text for prompt in chosen)).turns[0].text

    assert PERSONAL.find([Turn("user", said)]) == ()
    for prompt in chosen:
        assert not [value for value in prompt.values if is_certain(prompt) and value in said]


@given(st.text(max_size=400))
def test_any_text_is_looked_through_and_nothing_is_found_in_the_rest(text: str) -> None:
    kept = clean(text)

    assert PERSONAL.find(kept.turns) == ()
    assert (kept.turns[0].text == text) == (kept.kinds == ())


@given(
    st.text(alphabet="ab c\"'\n", max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
)
def test_places_may_overlap_in_any_order(text: str, spans: list[tuple[int, int]]) -> None:
    """Once found: nothing of a place is left, and only its words are gone."""
    places = [Place(*sorted(span), "x") for span in spans if max(span) <= len(text)]
    looks = iter([places])

    def find(_text: str) -> Sequence[Place]:
        return next(looks, [])

    said = redact([Turn("user", text)], None, find).turns[0].text

    covered = {at for place in places for at in range(place.start, place.end)}
    rest = [char for at, char in enumerate(text) if at not in covered]
    kept = said.replace("[x]", "")
    assert len(kept) <= len(rest)
    assert set(kept) <= set(rest)


def test_what_cant_be_told_apart_goes_altogether() -> None:
    """A finder that is never satisfied."""
    kept = redact([Turn("user", "a b c")], None, lambda text: [Place(0, len(text), "odd")])

    assert kept.turns[0].text == "[odd]"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [f"{KEY},", "a@b.de,", "password;x\n", "pw,Xk29pa1!Qz\n", "1 2-"])
def test_a_long_text_takes_linear_time(piece: str) -> None:
    """A quadratic one would need hours for this, not seconds."""
    clean((piece * 20_000)[:20_000])


def leak(prompt: Prompt) -> str | None:
    """What is kept of a prompt, where a value is still in it."""
    said = clean(prompt.text).turns[0].text
    return said if any(value in said for value in prompt.values) else None


def is_certain(prompt: Prompt) -> bool:
    """Alone it is found; what stands around may tell what a bare number is not."""
    return prompt.kind in {"api_key", "private_key", "card_number", "iban"}
