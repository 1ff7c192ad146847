"""What counts as a secret and as personal data, and what only looks like it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.ordinary_prompts import ordinary
from tests.support.private_prompts import SECRETS, Prompt, private

from pointsman.access.keys import ID_BYTES, SECRET_BYTES, key_text, new_id
from pointsman.routing.privacy import Detector
from pointsman.types import Turn

SECRET = Detector()
PERSONAL = Detector("personal")
CARD = "4539 1488 0343 6467"
KEY = "sk-proj-8Jq2LmXv0RtYw7NzKc5PbHd3"
SIGNATURE = "9dXk3n2%2Bq8JcWl0vTz7yRbA5uHfE1gMoP4sKiN6xQZc%3D"


def found(detector: Detector, text: str) -> tuple[str, ...]:
    return detector.find([Turn("user", text)])


def listed(prompts: list[Prompt]) -> str:
    """Misses by kind, for the one who has to mend them."""
    return "\n".join(f"{prompt.kind}: {prompt.text!r}" for prompt in prompts)


def test_none_of_2000_prompts_with_secrets_or_personal_data_is_missed() -> None:
    missed = [
        prompt
        for prompt in private(2000)
        if not found(SECRET if prompt.kind in SECRETS else PERSONAL, prompt.text)
    ]

    assert missed == [], listed(missed)


@pytest.mark.parametrize(("detector", "share"), [(SECRET, 0.005), (PERSONAL, 0.01)])
def test_hardly_any_of_2000_ordinary_prompts_is_held(detector: Detector, share: float) -> None:
    held = [(kinds, text) for text in ordinary(2000) if (kinds := found(detector, text))]

    assert len(held) <= share * 2000, held


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("charge 4539148803436467 please", "card_number"),
        ("AKIAIOSFODNN7EXAMPLE", "api_key"),
        ("sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "api_key"),
        ("sk-1234567890abcdef1234567890abcdef is my key", "api_key"),
        ("ghp_abcdefghijklmnopqrstuvwxyzabcdefghij", "api_key"),
        ("My API key is 1234567890abcdef", "token"),
        ("X-API-Key: 550e8400-e29b-41d4-a716-446655440000", "token"),
        ("Authorization: Bearer 550e8400-e29b-41d4-a716-446655440000", "token"),
        ("export DB_PASSWORD=ouqZOYWxunja", "password"),
        ("password=NzArwdVLXnEj", "password"),
        (f"why does {KEY} fail?", "api_key"),
        ("postgres://bob:s3cr3t-Pa55@db.internal/shop", "password"),
        ("curl -u bob:s3cr3tPa55 https://host", "password"),
        ("the password for the staging box is hunter2Xk!", "password"),
        ("mein Passwort: Sommer2024!", "password"),
        ("user;passwort;rolle\nbob;Xk29paQ;admin", "password"),
        ("creds: bob / q7!Xk29pa", "password"),
        ("Authorization: Bearer 9fceb02d0ae598e95dc970b74767f193", "token"),
        ("la clé API est Zk3v9QxT2mLp8RsW4yBn6HcJ", "token"),
        ("dapi0123456789abcdef0123456789abcdef", "api_key"),
        ("curl -H 'Cookie: lang=en; PHPSESSID=r2t5uvjq435r4q7ib3vtdjq120' x", "token"),
        ("Set-Cookie: auth_token=8f14e45fceea167a5a36dedd4bea2543; HttpOnly", "token"),
        (f"https://a.blob.core.windows.net/c/f?sv=2022-11-02&sr=b&sig={SIGNATURE}", "token"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", "private_key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n", "private_key"),
        ("-----BEGIN EC PRIVATE KEY-----\nabc123\n-----END EC PRIVATE KEY-----", "private_key"),
    ],
)
def test_a_secret_is_found_at_the_usual_level(text: str, kind: str) -> None:
    assert kind in found(SECRET, text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("jane.doe@acme.de", "email"),
        ("bob@example.com", "email"),
        ("jane (at) acme (dot) de", "email"),
        ("jane dot doe at acme dot com", "email"),
        ("ring me on 020 7946 0018", "phone"),
        ("+49 (0) 171 2345678", "phone"),
        ("(212) 555-0187", "phone"),
        ("123-45-6789", "national_id"),
        ("AB 12 34 56 C", "national_id"),
        ("RSSMRA85T10A562S", "national_id"),
        ("12345678Z", "national_id"),
        ("529.982.247-25", "national_id"),
        ("11010519491231002X", "national_id"),
        ("geboren am 12.03.1985", "birth_date"),
        ("born on 4 July 1991", "birth_date"),
        ("passport no. C01X00T47", "passport"),
        ("MRN: 0048213", "medical_record"),
        ("account number 31926819, sort code 60-16-13", "bank_account"),
    ],
)
def test_personal_data_is_found_where_it_is_asked_for(text: str, kind: str) -> None:
    assert kind in found(PERSONAL, text)
    assert found(SECRET, text) == ()


@pytest.mark.parametrize(
    "hidden",
    [
        "4539-1488-0343-6467",
        "4539.1488.0343.6467",
        "4539 1488\n0343 6467",
        "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7",
        "\uff14\uff15\uff13\uff19\uff11\uff14\uff18\uff18\uff10\uff13\uff14\uff13\uff16\uff14\uff16\uff17",
        "4539\u200b1488\u200b0343\u200b6467",
        "4539\u00a01488\u202f0343\u20116467",
        "٤٥٣٩١٤٨٨٠٣٤٣٦٤٦٧",
    ],
)
def test_a_number_is_found_behind_whatever_it_hides(hidden: str) -> None:
    assert found(SECRET, f"pay with {hidden}.") == ("card_number",)


@pytest.mark.parametrize(
    "hidden",
    [
        f"{KEY[:14]}\n{KEY[14:]}",
        f"{KEY[:14]}\\\n    {KEY[14:]}",
        f"{KEY[:14]}\u200b{KEY[14:]}",
        " ".join(KEY),
    ],
)
def test_a_key_is_found_behind_whatever_it_hides(hidden: str) -> None:
    assert found(SECRET, f"use {hidden}") == ("api_key",)


@pytest.mark.parametrize(
    "text",
    [
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "550e8400-e29b-41d4-a716-446655440000",
        "978-0-306-40615-7",
        "0.4539148803436467",
        "1712345678901",
        "password = os.environ['DB_PASSWORD']",
        "password: required|min:8",
        "postgres://user:password@localhost/db",
        "api_key = 'YOUR_API_KEY_GOES_HERE'",
        "sk-your-api-key-goes-here, or sk-xxxxxxxxxxxxxxxxxxxxxxxx, or user@example.com",
        "a key-value-store-implementation with secret_management_service",
        "the primary key 550e8400-e29b-41d4-a716-446655440000 is there",
        "login(password=userPassword) or password: FilterOrBool",
        "PASSWORD=secret or PASSWORD=\nthanks",
        "-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY----- stand around it",
        "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----",
        "git@github.com:acme/shop.git",
        "192.168.1.100 and 10.0.0.1",
        "2024-05-01T10:00:00Z",
        "hash it with PBKDF2-HMAC-SHA256",
        "Cookie: _ga=GA1.2.1234567890.1234567890; theme=dark; session=<your-session-id>",
        f"the link https://cdn.example.com/a.png?sig={SIGNATURE}&w=100",
        "Bach was born on 31 March 1685",
    ],
)
def test_what_only_looks_private_is_not(text: str) -> None:
    assert found(PERSONAL, text) == ()


def test_only_what_a_person_wrote_is_read() -> None:
    turns = [Turn(role, CARD) for role in ("system", "developer", "assistant", "tool")]

    assert PERSONAL.find(turns) == ()
    assert PERSONAL.find([*turns, Turn("user", CARD), Turn("user", "thanks")]) == ("card_number",)


def test_the_end_of_a_long_turn_is_read_as_well() -> None:
    assert found(SECRET, "Lorem ipsum dolor sit amet. " * 20_000 + CARD) == ("card_number",)


def test_kinds_come_once_and_in_a_fixed_order() -> None:
    both = PERSONAL.find([Turn("user", f"jane@acme.de {CARD}"), Turn("user", CARD)])

    assert both == ("card_number", "email")


def test_off_finds_nothing_not_even_by_pattern() -> None:
    assert found(Detector("off", {"card": "4539"}), CARD) == ()


@given(st.text())
def test_no_text_raises(text: str) -> None:
    found(PERSONAL, text)


@given(
    st.lists(
        st.sampled_from(
            [
                *"0123456789 -.\n@:/+(",
                "key",
                "password ",
                "sk-",
                "DE89",
                "\ud800",
                "cookie:",
                "sid=",
                "&sig=",
            ]
        )
    )
)
def test_no_mixture_of_signs_raises(pieces: list[str]) -> None:
    found(PERSONAL, "".join(pieces))


def test_what_matched_is_not_kept() -> None:
    detector = Detector("personal", {"project": "PRJ-[0-9]{6}"})

    found(detector, f"PRJ-123456 {CARD}")

    assert CARD not in repr(vars(detector))
    assert "123456" not in repr(vars(detector))


@given(
    st.binary(min_size=ID_BYTES, max_size=ID_BYTES),
    st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
)
def test_a_key_of_the_gateways_own_is_a_secret(name: bytes, secret: bytes) -> None:
    assume(len(set(secret)) > SECRET_BYTES // 2)  # as chance makes them

    assert found(SECRET, f"is {key_text(new_id(name), secret)} still valid?") == ("api_key",)
