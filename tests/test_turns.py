"""Whose turn it is, where several wait."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pointsman.turns import IN_A_ROW, Place, Turns

organisations = st.sampled_from("abc")
lines = st.lists(st.tuples(organisations, st.booleans(), st.integers(0, 9)), max_size=40)


def lined_up(line: list[tuple[str, bool, int]]) -> tuple[Turns[int], list[Place[int]]]:
    turns = Turns[int]()
    places = [
        turns.add(who, number, background=background, deadline=float(deadline))
        for number, (who, background, deadline) in enumerate(line)
    ]
    return turns, places


def served(turns: Turns[int]) -> list[Place[int]]:
    return [turns.pop() for _ in range(len(turns))]


def test_organisations_take_turns_however_much_each_has_waiting() -> None:
    turns = Turns[str]()
    for item in ("a1", "a2", "a3", "a4", "b1", "c1", "c2"):
        turns.add(item[0], item, background=False, deadline=1.0)

    assert [turns.pop().item for _ in range(7)] == ["a1", "b1", "c1", "a2", "c2", "a3", "a4"]


def test_within_an_organisation_the_earliest_deadline_goes_first() -> None:
    turns = Turns[str]()
    for item, deadline in (("late", 9.0), ("soon", 1.0), ("soon too", 1.0), ("later", 10.0)):
        turns.add("a", item, background=False, deadline=deadline)

    assert [turns.pop().item for _ in range(4)] == ["soon", "soon too", "late", "later"]


def test_where_there_is_no_room_the_one_with_the_most_gives_its_last_place() -> None:
    turns = Turns[str]()
    for item in ("a1", "a2", "a3", "b1"):
        turns.add(item[0], item, background=False, deadline=1.0)

    yielding = turns.yielding("c", background=False)
    assert yielding is not None
    assert yielding.item == "a3"
    assert turns.yielding("a", background=False) is None
    turns.remove(yielding)
    assert turns.yielding("b", background=False) is None  # it would have as many


def test_background_gives_way_to_what_somebody_waits_for_and_never_the_other_way() -> None:
    turns = Turns[str]()
    turns.add("a", "batch", background=True, deadline=1.0)
    turns.add("a", "person", background=False, deadline=1.0)

    yielding = turns.yielding("a", background=False)
    assert yielding is not None
    assert yielding.item == "batch"
    assert turns.yielding("b", background=True) is None


@given(lines)
def test_everybody_is_served_once(line: list[tuple[str, bool, int]]) -> None:
    turns, places = lined_up(line)

    assert sorted(served(turns)) == sorted(places)
    assert len(turns) == 0


@given(lines, st.data())
def test_who_leaves_is_not_served_and_leaving_twice_is_nothing(
    line: list[tuple[str, bool, int]], data: st.DataObject
) -> None:
    turns, places = lined_up(line)
    left = [place for place in places if data.draw(st.booleans())]
    for place in left * 2:
        turns.remove(place)

    assert sorted([*served(turns), *left]) == sorted(places)


@given(lines)
def test_nobody_is_passed_by_the_same_organisation_twice(
    line: list[tuple[str, bool, int]],
) -> None:
    turns, _ = lined_up([(who, False, deadline) for who, _, deadline in line])

    order = [place.who for place in served(turns)]

    for who in set(order):
        at = [index for index, each in enumerate(order) if each == who]
        for one, next_one in pairwise(at):
            between = order[one + 1 : next_one]
            assert len(between) == len(set(between))


@given(lines, organisations)
def test_a_newcomer_knows_how_many_go_before_it(
    line: list[tuple[str, bool, int]], who: str
) -> None:
    turns, _ = lined_up([(each, False, 0) for each, _, _ in line])
    ahead = turns.ahead(who, background=False)

    mine = turns.add(who, -1, background=False, deadline=99.0)

    order = served(turns)
    others = len({each for each, _, _ in line} - {who})
    assert ahead - others <= order.index(mine) <= ahead


@given(lines)
def test_four_of_five_turns_are_those_of_people(line: list[tuple[str, bool, int]]) -> None:
    turns, places = lined_up(line)

    order = "".join("b" if place.background else "i" for place in served(turns))

    assert "i" * (IN_A_ROW + 1) not in order.rstrip("i")  # while one in the background waits
    assert order.count("i") == sum(not place.background for place in places)
