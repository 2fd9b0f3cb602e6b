"""What an operator is given agrees with the settings: the guide's variables, the compose file, the image, the units.

No container is started here: files are read as their programs read them, and every name is looked up.
"""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.dev.check import production_environment

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
SETTINGS = (ROOT / "config" / "settings.py").read_text()
UNITS = sorted((ROOT / "docs" / "deploy").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# For development, for portals with several addresses, and for the demo.
NOT_FOR_OPERATORS = {"DEBUG", "CSRF_TRUSTED_ORIGINS", "SANDBOX_CRM_ALLOWED", "SANDBOX_CRM_URL", "SANDBOX_CRM_TOKEN"}


def read_by_the_settings() -> set[str]:
    return set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", SETTINGS))


def required_in_production() -> set[str]:
    block = SETTINGS[SETTINGS.index("missing = [") : SETTINGS.index("if missing:")]
    return set(re.findall(r"^\s+\"([A-Z_]+)\":", block, re.MULTILINE))


def in_the_guide() -> list[str]:
    return re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE)


def words(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else command


def check_command(command: list[str]) -> None:
    """The program is one that we install, and what it is told to load is there."""
    program, *rest = command
    name = Path(program).name
    if name == "sh":
        for part in rest[1].split("&&"):
            check_command(shlex.split(part))
    elif name == "python":
        assert rest[0] == "manage.py", command
        assert rest[1] in {"migrate", "collectstatic"}, command
    elif name == "gunicorn":
        module, _, attribute = rest[0].partition(":")
        assert getattr(importlib.import_module(module), attribute), command
    else:
        assert (name, rest[:2]) == ("celery", ["-A", "config"]), command
        assert rest[2] in {"worker", "beat"}, command


def test_the_guide_names_what_the_settings_read() -> None:
    guide = in_the_guide()
    assert len(guide) == len(set(guide))
    assert set(guide) == read_by_the_settings() - NOT_FOR_OPERATORS
    assert set(guide[: len(required_in_production())]) == required_in_production() < set(production_environment(ROOT))


def test_every_container_has_what_production_asks_for() -> None:
    for name in ("migrate", "web", "worker", "beat"):
        service = SERVICES[name]
        given = set(service["environment"])
        assert given <= required_in_production()
        assert service["env_file"] == ".env", "the others come from there"
        # Named services and volumes exist, and nobody waits for somebody who never becomes healthy.
        for other, condition in service["depends_on"].items():
            assert condition["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
        if "command" in service:
            check_command(words(service["command"]))
    database, broker = (SERVICES["web"]["environment"][key] for key in ("DATABASE_URL", "REDIS_URL"))
    assert re.search(r"@(\w+)/", database)[1] in SERVICES
    assert re.search(r"//(\w+):", broker)[1] in SERVICES
    assert SERVICES["db"]["environment"]["POSTGRES_USER"] in database
    placeholders = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    assert all(f"{name}=" in GUIDE for name in placeholders), "the guide says what goes into .env"
    assert SERVICES["beat"].get("deploy", {}).get("replicas", 1) == 1


@pytest.mark.django_db  # the program asks its database before it serves
def test_the_image_holds_the_program_and_no_secrets() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    command = re.search(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[1]
    check_command(yaml.safe_load(command))
    copied = re.search(r"^COPY (\S+)", dockerfile, re.MULTILINE)[1]
    assert (ROOT / copied).exists()
    assert f"-r {copied}" in dockerfile
    folder = re.search(r"^WORKDIR (\S+)$", dockerfile, re.MULTILINE)[1]
    assert f"VAR_DIR={folder}/var" in dockerfile
    assert f"var:{folder}/var" in SERVICES["web"]["volumes"]
    assert {".env", ".git", ".venv", "var"} <= set((ROOT / ".dockerignore").read_text().split())
    tested = re.search(r"requires-python = \">=([\d.]+)", (ROOT / "pyproject.toml").read_text())[1]
    assert f"FROM python:{tested}-" in dockerfile, "the image runs the Python that the tests run"


@pytest.mark.django_db
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_is_there(unit: Path) -> None:
    text = unit.read_text().replace("\\\n", " ")
    for line in re.findall(r"^ExecStart(?:Pre)?=(.*)$", text, re.MULTILINE):
        assert line.startswith("/srv/portal/.venv/bin/")
        check_command(shlex.split(line))
    assert "EnvironmentFile=/etc/portal.env" in text
    assert "/etc/portal.env" in GUIDE
    for after in re.findall(r"(portal-\w+)\.service", text):
        assert (unit.parent / f"{after}.service") in UNITS
    assert unit.stem in GUIDE
