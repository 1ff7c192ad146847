"""What exactly a deployment is: replies of what it was before are not given out any more."""

from __future__ import annotations

from collections.abc import Mapping


class Versions:
    """By deployment: how it is configured, and what its upstream says it serves."""

    def __init__(self, configured: Mapping[str, str]) -> None:
        """`configured` by deployment id: changes whenever its model or address does."""
        self._configured = configured
        self._serves: dict[str, str] = {}

    def configure(self, configured: Mapping[str, str]) -> None:
        """They are configured otherwise from now on."""
        changed = {name for name, each in configured.items() if self._configured.get(name) != each}
        self._configured = configured
        self._serves = {name: each for name, each in self._serves.items() if name not in changed}

    def stamp(self, deployment: str, served: str | None) -> str:
        """The version that made a fresh reply; what its upstream says it serves counts from now on.

        A reply that does not say so changes nothing.
        """
        self._serves[deployment] = served or self._serves.get(deployment, "")
        return self._written(deployment)

    def is_current(self, deployment: str, version: str) -> bool:
        """Whether a reply of that version is what the deployment would give now.

        What its upstream serves is not known before its first fresh reply, and then not held
        against it.
        """
        if deployment not in self._configured:
            return False
        if deployment in self._serves:
            return version == self._written(deployment)
        return version.partition("/")[0] == self._configured[deployment]

    def _written(self, deployment: str) -> str:
        return f"{self._configured.get(deployment, '')}/{self._serves[deployment]}"
