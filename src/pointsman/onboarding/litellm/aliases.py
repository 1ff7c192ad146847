"""Names that LiteLLM gives to several deployments: its groups, its fallbacks, its aliases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pointsman.onboarding.became import Became
from pointsman.onboarding.draft import Table
from pointsman.onboarding.litellm.values import mapping, names
from pointsman.types import Json

#: Deployments that share the load, the groups in the order in which they are tried.
Groups = list[list[str]]
#: Stands for every name that has no fallbacks of its own.
_EVERY = "*"
_NO_MODEL = "it names no model that was taken over"


class Aliases:
    """The names of a configuration."""

    def __init__(self, named: Mapping[str, Groups], config: Mapping[str, Json]) -> None:
        """`named` has the deployments of each `model_name`."""
        self._named = named
        self._lite = mapping(config.get("litellm_settings"))
        self._router = mapping(config.get("router_settings"))
        self._others = {
            alias: name.get("model") if isinstance(name, dict) else name
            for alias, name in mapping(self._router.get("model_group_alias")).items()
        }
        self.tables: list[Table] = []
        self.became: list[Became] = []

    def take(self) -> None:
        """Every name: what it stands for, and what stands in."""
        fallbacks = dict(self._fallbacks())
        every = fallbacks.pop(_EVERY, [])
        whole = {
            name: self._with(name, groups, fallbacks.pop(name, every))
            for name, groups in self._named.items()
        }
        for name in fallbacks:
            self._left(f"fallbacks of {name}", _NO_MODEL)
        for name, groups in whole.items():
            self._alias(name, groups)
            if sum(map(len, groups)) > 1:
                what = "fallbacks of" if groups != self._named[name] else "model_name"
                self.became.append(Became(f"{what} {name}", f"[aliases]: {_said(groups)}"))
        for alias, to in self._others.items():
            if isinstance(to, str) and to in whole:
                self._alias(alias, whole[to])
                self.became.append(Became(f"alias {alias}", f"[aliases]: {_said(whole[to])}"))
            else:
                self._left(f"alias {alias}", _NO_MODEL)

    def _alias(self, name: str, groups: Groups) -> None:
        """Nothing is written for what has its name already."""
        if groups != [[name]]:
            self.tables.append(Table(("aliases",), {name: _written(groups)}))

    def _with(self, name: str, groups: Groups, fallbacks: Sequence[str]) -> Groups:
        """The groups with those that stand in, each deployment once."""
        found = [list(group) for group in groups]
        there = {each for group in found for each in group}
        for fallback in fallbacks:
            to = self._others.get(fallback, fallback)
            if not isinstance(to, str) or to not in self._named:
                self._left(f"{name}'s fallback {fallback}", _NO_MODEL)
                continue
            for group in self._named[to]:
                more = [each for each in group if each not in there]
                there.update(more)
                found += [more] if more else []
        return found

    def _fallbacks(self) -> Iterator[tuple[str, list[str]]]:
        """The fallbacks of each name."""
        for settings in (self._lite, self._router):
            if default := names(settings.get("default_fallbacks")):
                yield _EVERY, default
            elif settings.get("default_fallbacks"):
                self._left("default_fallbacks", "it is no list of names")
        for settings in (self._lite, self._router):
            stated = settings.get("fallbacks", [])
            for each in stated if isinstance(stated, list) else [stated]:
                if not isinstance(each, dict):
                    self._left("fallbacks", "one of them does not say whose they are")
                for name, to in mapping(each).items():
                    yield name, names(to)
                    if not isinstance(to, list) or len(names(to)) < len(to):
                        self._left(f"fallbacks of {name}", "one of them is no model's name")

    def _left(self, name: str, why: str) -> None:
        self.became.append(Became(name, f"left: {why}", taken=False))


def _written(groups: Groups) -> Json:
    if sum(map(len, groups)) == 1:
        return groups[0][0]
    return [list(group) if len(group) > 1 else group[0] for group in groups]


def _said(groups: Groups) -> str:
    """Such as `a and b share the load, then c`."""
    said = [" and ".join(group) + (" share the load" * (len(group) > 1)) for group in groups]
    return ", then ".join(said)
