"""All deployments' lines, and which of them an organisation may use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pointsman.calling.line import Line
from pointsman.types import Deployment

_NOTHING: Mapping[str, Mapping[str, Line | None]] = MappingProxyType({})


class Lines(Mapping[str, Line]):
    """By deployment id. An organisation with a provider's key of its own has lines of its own.

    Such a line has its own breaker, too: a key that the provider refuses concerns nobody else.
    """

    def __init__(
        self, shared: Mapping[str, Line], own: Mapping[str, Mapping[str, Line | None]] = _NOTHING
    ) -> None:
        """`own` by organisation, then by deployment id: what stands there in place of the shared.

        None stands for nothing: the organisation can't use it.
        """
        self._shared = shared
        self._own = own
        #: What others than those named anywhere may use.
        self._everybodys = {
            name: line for name, line in shared.items() if line.deployment.organisations is None
        }
        theirs: defaultdict[str, dict[str, Line]] = defaultdict(dict)
        for name, line in shared.items():
            for organisation in line.deployment.organisations or ():
                theirs[organisation][name] = line
        self._by_organisation = {
            each: self._lines_of(theirs[each], own.get(each, {})) for each in {*theirs, *own}
        }

    def __getitem__(self, name: str) -> Line:
        return self._shared[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shared)

    def __len__(self) -> int:
        return len(self._shared)

    def of(self, organisation: str | None) -> Mapping[str, Line]:
        """What an organisation may use; of None, what everybody may."""
        return self._by_organisation.get(organisation or "", self._everybodys)

    def every(self) -> Iterator[Line]:
        """All of them, also those that stand in another's place."""
        yield from self._shared.values()
        for lines in self._own.values():
            yield from (line for line in lines.values() if line is not None)

    def own(self, organisation: str, name: str) -> Line | None:
        """What stands in a deployment's place for an organisation."""
        return self._own.get(organisation, {}).get(name)

    def _lines_of(
        self, theirs: Mapping[str, Line], own: Mapping[str, Line | None]
    ) -> Mapping[str, Line]:
        """Everybody's and an organisation's own, with its own lines in their places."""
        usable = {**self._everybodys, **theirs, **own}
        return {name: line for name, line in usable.items() if line is not None}


class Deployments(Mapping[str, Deployment]):
    """Every line's deployment by id, as it stands now: with what its server told meanwhile."""

    def __init__(self, lines: Lines | Mapping[str, Line]) -> None:
        """By deployment id."""
        self._lines = lines

    def __getitem__(self, name: str) -> Deployment:
        return self._lines[name].deployment

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def of(self, organisation: str | None) -> Deployments:
        """Those that an organisation may use; of None, those that everybody may."""
        lines = self._lines if isinstance(self._lines, Lines) else Lines(self._lines)
        return Deployments(lines.of(organisation))
