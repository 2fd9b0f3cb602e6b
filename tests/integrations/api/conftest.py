"""Callers of the capture endpoint."""

from __future__ import annotations

import pytest

from tests.leads.api.keys import make_key


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return make_key()[1]
