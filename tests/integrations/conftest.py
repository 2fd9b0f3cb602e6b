"""Fixtures of the integrations tests: the real sandbox CRM on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.models import Connection
from integrations.sandbox_crm.server import SandboxServer
from leads.models import Company
from tests.integrations.sandbox_crm.running import running_crm
from tests.integrations.world import Clock, connect


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[SandboxServer]:
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server


@pytest.fixture
def connected(crm: SandboxServer, company: Company) -> Connection:
    return connect(crm.url)


@pytest.fixture
def clock() -> Clock:
    return Clock()
