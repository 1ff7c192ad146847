"""Who is next, where several organisations wait for the same. A leaf."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from itertools import count
from typing import Generic, NamedTuple, TypeVar

#: Interactive items served in a row while a background one waits.
IN_A_ROW = 4

_T = TypeVar("_T")


class Place(NamedTuple, Generic[_T]):
    """Where somebody stands in line. The earlier goes first."""

    #: In monotonic seconds; nobody wants it after that.
    deadline: float
    number: int
    who: str
    background: bool
    item: _T


class Turns(Generic[_T]):
    """A line in which nobody waits for what others have piled up.

    Interactive items go before background ones, but one of these gets its turn after every four.
    Among equals organisations take turns, one item each, and within an organisation the earliest
    deadline goes first; of equal deadlines the first that came. That holds for who is in the line:
    where it is full, each interactive newcomer takes the place of a background item.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self._interactive: _Class[_T] = OrderedDict()
        self._background: _Class[_T] = OrderedDict()
        self._numbers = count()
        self._size = 0
        self._in_a_row = 0

    def __len__(self) -> int:
        """Items that wait."""
        return self._size

    def add(self, who: str, item: _T, *, background: bool, deadline: float) -> Place[_T]:
        """Join the line."""
        place = Place(deadline, next(self._numbers), who, background, item)
        insort(self._class(background=background).setdefault(who, []), place)
        self._size += 1
        return place

    def remove(self, place: Place[_T]) -> None:
        """Leave it; who is not in it any more has left already."""
        kind = self._class(background=place.background)
        places = kind.get(place.who, [])
        index = bisect_left(places, place)
        if index < len(places) and places[index] is place:
            del places[index]
            self._size -= 1
            if not places:
                del kind[place.who]

    def pop(self) -> Place[_T]:
        """Whose turn it is, who leaves the line with that. Raises LookupError where nobody waits."""
        if self._background and (self._in_a_row >= IN_A_ROW or not self._interactive):
            self._in_a_row = 0
            return self._first(self._background)
        self._in_a_row = self._in_a_row + 1 if self._background else 0
        return self._first(self._interactive)

    def ahead(self, who: str, *, background: bool) -> int:
        """How many go before a newcomer of `who`, where none comes after it."""
        kind = self._class(background=background)
        own = len(kind.get(who, ()))
        others = sum(min(len(places), own + 1) for each, places in kind.items() if each != who)
        interactive = sum(map(len, self._interactive.values())) if background else 0
        return own + others + interactive

    def yielding(self, who: str, *, background: bool) -> Place[_T] | None:
        """Who gives way to a newcomer of `who` where there is room for no more; None: nobody.

        A background item does to an interactive one; else the last of the organisation that has
        the most waiting, where `who` would have fewer.
        """
        kind = self._class(background=background or bool(self._background))
        most = max(kind.values(), key=len, default=())
        lesser = bool(self._background) and not background
        if not most or not (lesser or len(most) > len(kind.get(who, ())) + 1):
            return None
        return most[-1]

    def _class(self, *, background: bool) -> _Class[_T]:
        return self._background if background else self._interactive

    def _first(self, kind: _Class[_T]) -> Place[_T]:
        who, places = next(iter(kind.items()), ("", []))
        if not places:
            raise LookupError("nobody waits")
        place = places.pop(0)
        self._size -= 1
        if places:
            kind.move_to_end(who)
        else:
            del kind[who]
        return place


_Class = OrderedDict[str, list[Place[_T]]]
