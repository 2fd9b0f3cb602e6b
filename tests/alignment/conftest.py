"""Reports are read as of a moment, so what they count must have been known by then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from leads.past.acting import backdated

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _known_early() -> Iterator[None]:
    """Whatever a test writes was known before any report, unless the test says otherwise."""
    with backdated(LONG_AGO):
        yield
