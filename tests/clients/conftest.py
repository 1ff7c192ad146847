"""Lets the shared dialogue say what it found where an assertion fails."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.clients.openai_contract")
