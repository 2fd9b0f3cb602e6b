"""Every command of the documents runs as written, against a portal in demo mode, or stands here with a reason."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=str)
PROGRAMS = re.compile(r"(export [A-Z_]+=|[A-Z_]+=\$?\(?|curl |make |python3? |\S*/python |printf |docker |sudo )")
# What does not run here, and why.
NOT_RUN = {
    ("README.md", "make demo"): "sets a whole portal up and seeds it; `make test` does, too",
    ("docs/history.md", "curl -H"): "names a deal of the reader's own",
}
ADDRESS = "127.0.0.1:8000"
MAKE_KEY = """
import json
from pathlib import Path
from leads.models import ApiKey, Scope
_, key = ApiKey.objects.create_key(name="documents", scopes=list(Scope.values))
Path("var/demo.json").write_text(json.dumps({"api_key": key}))
"""


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def blocks(document: Path) -> list[str]:
    """Fenced blocks that hold commands, as a person would paste them."""
    found: list[str] = []
    is_inside, is_command = False, False
    for line in document.read_text().splitlines():
        if line.startswith("```"):
            is_inside = not is_inside
            is_command = is_inside and line in ("```", "```sh")
            if is_command:
                found.append("")
        elif is_command:
            found[-1] += f"{line}\n"
    return [block for block in found if PROGRAMS.match(block)]


def reason(document: Path, block: str) -> str:
    return next(
        (why for (name, start), why in NOT_RUN.items() if name == name_of(document) and block.startswith(start)), ""
    )


RUN = [document for document in DOCUMENTS if any(not reason(document, block) for block in blocks(document))]


@dataclass(frozen=True)
class Portal:
    """A folder that looks like the project beside its demo, and where the portal listens."""

    folder: Path
    env: dict[str, str]
    port: int

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        told = script.replace(ADDRESS, f"127.0.0.1:{self.port}")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", told], cwd=self.folder, env=self.env, capture_output=True, text=True
        )


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder, port = tmp_path_factory.mktemp("project"), free_port()
    for entry in ROOT.iterdir():
        if entry.name not in ("var", ".venv"):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    var = folder / "var"
    var.mkdir()
    # A person's shell knows nothing of settings; only where the data is must be said, as the project is a link here.
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "VAR_DIR": str(var)}
    demo = {**env, "PORTAL_MODE": "demo", "PORTAL_URL": f"http://127.0.0.1:{port}"}
    manage = [sys.executable, "manage.py"]
    for command in (["migrate", "--no-input", "-v", "0"], ["shell", "-v", "0", "-c", MAKE_KEY]):
        done = subprocess.run([*manage, *command], cwd=folder, env=demo, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    with (var / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"], cwd=folder, env=demo, stdout=log, stderr=log
        )
    try:
        _wait(port)
        yield Portal(folder, env, port)
    finally:
        web.terminate()
        web.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("The portal does not answer.")


@pytest.mark.parametrize("document", RUN, ids=name_of)
def test_every_command_of_the_document_runs_as_written(portal: Portal, document: Path) -> None:
    script = "\n".join(block for block in blocks(document) if not reason(document, block))
    done = portal.run(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "about:blank" not in done.stdout, done.stdout
    assert "Traceback" not in done.stderr


def test_documents_have_commands_that_run() -> None:
    assert {"README.md", "docs/api.md", "docs/import.md"} <= {name_of(document) for document in RUN}


def test_every_reason_is_of_a_command_that_is_there() -> None:
    there = {(name_of(document), block) for document in DOCUMENTS for block in blocks(document)}
    for name, start in NOT_RUN:
        assert any(name == document and block.startswith(start) for document, block in there), (name, start)


def test_a_command_that_fails_is_noticed(portal: Portal) -> None:
    assert portal.run("python-that-is-not-there manage.py check").returncode != 0
