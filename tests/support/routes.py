"""Every path of the table, its aliases and the documentation's, as requests can name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pointsman.server import asgi
from pointsman.server.compat import ALIASES
from pointsman.server.routes import PATHS, Path

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class Route:
    """One method of one path, under one name."""

    method: str
    #: With its parameters in braces, as the router has it.
    pattern: str
    path: Path

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}"

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        return _PARAMETER.findall(self.pattern)

    def at(self, values: Mapping[str, str] | None = None) -> str:
        """The path with these parameters; `nothing` stands for what is not given."""
        return _PARAMETER.sub(lambda found: (values or {}).get(found[1], "nothing"), self.pattern)


def every_route() -> list[Route]:
    """HEAD is a method of its own here."""
    table = [(path.path, path) for path in (*PATHS, *asgi._DOCS)]
    table += [(alias, path) for alias, to in ALIASES.items() for path in PATHS if path.path == to]
    routes = [Route(path.method, pattern, path) for pattern, path in table]
    heads = [Route("HEAD", each.pattern, each.path) for each in routes if each.method == "GET"]
    return [*routes, *heads]
