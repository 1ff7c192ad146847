"""What prompts are about, as vectors: texts in, how near they are out."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman import data
from pointsman.errors import ConfigError
from pointsman.scoring.meaning import HEAD, TAIL, Meaning


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return Meaning.parse(data.read_meaning())


def _near(meaning: Meaning, one: str, other: str) -> float:
    return float(meaning.of(one) @ meaning.of(other))


@pytest.mark.parametrize(
    ("text", "alike", "other"),
    [
        (
            "Sort a list in Python",
            "a function that reverses a JavaScript array",
            "a poem of the sea",
        ),
        ("symptoms of diabetes", "Which medicine lowers blood pressure?", "capital of France"),
        ("integrate x squared", "solve this equation for y", "write a letter to my landlord"),
    ],
)
def test_texts_about_the_same_are_nearer(
    meaning: Meaning, text: str, alike: str, other: str
) -> None:
    assert _near(meaning, text, alike) > _near(meaning, text, other) + 0.1


def test_case_accents_and_blanks_do_not_matter(meaning: Meaning) -> None:
    assert _near(meaning, "The CAFÉ  is\nclosed", "the cafe is closed") == pytest.approx(1)


def test_a_word_that_is_not_in_the_table_is_made_of_its_pieces(meaning: Meaning) -> None:
    assert "photovoltaically" not in meaning.pieces

    assert len(meaning.read("photovoltaically")) > 1
    assert meaning.read("x" * 1_000) == []


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_words_are_the_same_beside_another_letter(meaning: Meaning, text: str) -> None:
    apart = [*meaning.read(text), *meaning.read("\u00e9a")]

    assert sorted(meaning.read(f"{text} \u00e9a")) == sorted(apart)


@given(st.text())
def test_words_are_the_same_among_however_many_marks(meaning: Meaning, text: str) -> None:
    marks = "".join(map(chr, range(0x2190, 0x2200)))  # arrows: so many are cut by a pattern

    among = meaning.read(f"{text} {marks}")

    assert sorted(among) == sorted([*meaning.read(text), *meaning.read(marks)])


def test_only_the_ends_of_a_long_text_are_read(meaning: Meaning) -> None:
    head, tail = "sea " * (HEAD // 4), "poem " * (TAIL // 5)

    assert np.array_equal(meaning.of(head + "tax " * 9_999 + tail), meaning.of(head + tail))


def test_it_says_the_same_after_however_many_other_words() -> None:
    before = _TINY.of("abb bbb")

    _TINY.of(" ".join(f"b{number}" for number in range(300)))
    for start in range(0, 10_000, 100):
        _TINY.of(" ".join(f"a{number}" for number in range(start, start + 100)))

    assert np.array_equal(_TINY.of("abb bbb"), before)


@pytest.mark.parametrize("text", ["", " \n", "\u2603\u2603", "\x00"])
def test_a_text_without_words_means_nothing(meaning: Meaning, text: str) -> None:
    assert np.linalg.norm(meaning.of(text)) in (0, pytest.approx(1))


@given(st.text(max_size=200))
def test_every_text_has_a_vector_of_length_one_or_none(text: str) -> None:
    vector = _TINY.of(text)

    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5) or not vector.any()


def _packed(pieces: str, rows: int) -> bytes:
    file = BytesIO()
    np.savez(
        file,
        pieces=np.frombuffer(pieces.encode(), np.uint8),
        table=np.eye(3, dtype=np.int8)[:rows],
        scale=np.ones(rows, np.float16),
    )
    return file.getvalue()


_TINY = Meaning.parse(_packed("a\nb\n##b", 3))


@pytest.mark.parametrize("packed", [b"", b"PK", _packed("a\nb", 3), data.read_meaning()[:5_000]])
def test_a_damaged_table_is_refused(packed: bytes) -> None:
    with pytest.raises(ConfigError, match="word vectors is damaged"):
        Meaning.parse(packed)
