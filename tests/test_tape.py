"""A tape gives back what was put on it, from any place on."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.tape import PAGE, Tape

PIECES = st.lists(st.one_of(st.binary(max_size=80), st.binary(min_size=PAGE, max_size=3 * PAGE)))


@given(PIECES, st.data())
def test_what_was_put_on_it_comes_back(pieces: list[bytes], data: st.DataObject) -> None:
    tape = Tape()
    for piece in pieces:
        tape.add(piece)
    whole = b"".join(pieces)

    place = data.draw(st.integers(0, len(whole)))

    assert tape.size == len(whole)
    assert tape.after(place) == whole[place:]


@given(PIECES, PIECES)
def test_a_cleared_one_begins_anew(before: list[bytes], after: list[bytes]) -> None:
    tape = Tape()
    for piece in before:
        tape.add(piece)
    tape.clear()
    assert (tape.size, tape.after(0)) == (0, b"")

    for piece in after:
        tape.add(piece)

    assert tape.after(0) == b"".join(after)
