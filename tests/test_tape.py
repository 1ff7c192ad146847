"""A tape gives back what was put on it, from any place on."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.tape import PAGE, Tape

LONG = st.builds(lambda piece, times: piece * times, st.binary(max_size=9), st.integers(1, PAGE))
PIECES = st.lists(st.one_of(st.binary(max_size=80), LONG), max_size=20)


@given(PIECES, st.data())
def test_what_was_put_on_it_comes_back(pieces: list[bytes], data: st.DataObject) -> None:
    tape = Tape()
    for piece in pieces:
        tape.add(piece)
    whole = b"".join(pieces)

    place = data.draw(st.integers(0, len(whole)))

    assert tape.size == len(whole)
    assert tape.whole() == whole
    read = b""
    while more := tape.read(place + len(read)):
        read += more
    assert read == whole[place:]


@given(PIECES, PIECES)
def test_a_cleared_one_begins_anew(before: list[bytes], after: list[bytes]) -> None:
    tape = Tape()
    for piece in before:
        tape.add(piece)
    tape.clear()
    assert (tape.size, tape.whole(), tape.read(0)) == (0, b"", b"")

    for piece in after:
        tape.add(piece)

    assert tape.whole() == b"".join(after)
