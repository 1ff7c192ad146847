"""Where the gateway is. These dialogues run in the clients' environments, not in Pointsman's.

The classes `...AnyModel` ask nothing of the model behind the gateway but that it answers; the
classes `...ScriptedModel` know what the scripted provider says.
"""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def url() -> str:
    """The gateway's address, without a path."""
    return os.environ["GATEWAY_URL"]


@pytest.fixture(scope="session")
def key() -> str:
    """The key that it asks for."""
    return os.environ["GATEWAY_KEY"]
