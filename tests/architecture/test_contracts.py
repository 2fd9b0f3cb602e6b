"""The import contracts hold, and each of them still bites: a planted violation per contract must break it.

import-linter accepts a misspelt module in a ``forbidden`` contract in silence, so a green contract proves nothing by
itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "leads", "attribution", "integrations", "alignment")

PLANTED = {
    "apps": ("leads/queries/lead.py", "import alignment.models"),
    "rooms-leads": ("leads/models/lead.py", "import leads.actions.capture.capture"),
    "rooms-attribution": ("attribution/models/run.py", "import attribution.figures"),
    "rooms-integrations": ("integrations/connectors/base.py", "import integrations.models"),
    "rooms-alignment": ("alignment/models/weekly_report.py", "import alignment.actions"),
    "pure": ("leads/pure/week.py", "import django.utils.timezone"),
    "one-door-celery": ("leads/actions/capture/capture.py", "import celery"),
    "one-door-http": ("integrations/connectors/hubspot/session.py", "import requests"),
    "one-door-jwt": ("integrations/actions/connections/token_store.py", "import jwt"),
    "one-door-numpy": ("attribution/queries/world.py", "import numpy"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our packages without the rest of the house, to plant violations in."""
    where = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", where)
    return where


def lint(where: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    if contract:
        command += ["--contract", contract]
    command.append("--no-cache")
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=120)


def test_every_contract_is_kept(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_has_a_planted_violation() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == set(PLANTED)


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_planted_violation_is_found(copy: Path, contract: str) -> None:
    name, statement = PLANTED[contract]
    module = copy / name
    before = module.read_text()
    module.write_text(f"{before}\n{statement}\n")
    try:
        result = lint(copy, contract)
    finally:
        module.write_text(before)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
