"""The content words of a text, by which the index rules out what can't be near."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cache.words import content_words, hashes


def test_what_every_sentence_has_is_left_out():
    assert content_words("How do I delete a branch in git, please?") == ("delet", "branch", "git")


@pytest.mark.parametrize(
    "forms",
    [
        "install installs installed installing",
        "translate translates translated translation",
        "city cities",
        "try tries tried",
        "cancel cancelled cancelling",
        "libro libri",
    ],
)
def test_forms_of_a_word_are_one(forms: str):
    assert len(hashes(forms)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Was kostet die Überweisung nach Österreich?", {"kostet", "uberweisung", "osterreich"}),
        ("Comment annuler l'abonnement d'un ami ?", {"annuler", "abonnement", "ami"}),
        ("¿Cómo cancelo mi suscripción?", {"cancel", "suscripcion"}),
        ("Come cancello il mio account?", {"com", "cancel", "account"}),
        ("Como cancelo a minha conta?", {"cancel", "cont"}),
        ("如何删除账户", {"如何", "何删", "删除", "除账", "账户"}),
        ("मेरा खाता हटाओ", {"मेरा", "खाता", "हटाओ"}),
        ("用python写", {"用", "python", "写"}),
    ],
)
def test_other_languages(text: str, expected: set[str]):
    assert expected <= set(content_words(text))


def test_a_text_of_stop_words_has_those():
    assert content_words("How are you?") == ("how", "are", "you")
    assert content_words("?!") == ()


def test_hashes_are_the_same_in_every_process():
    program = (
        "from pointsman.cache.words import hashes; print(*sorted(hashes('delete the branch')))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == [str(each) for each in sorted(hashes("a deleted branch"))]


@given(st.text())
def test_hashes_have_32_bits_whatever_the_text(text: str):
    assert all(0 <= each < 2**32 for each in hashes(text))
