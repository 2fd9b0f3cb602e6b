"""Every command of the documents runs as written, against a portal in demo mode, or stands here with a reason."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import benchmarks.__main__

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")],
    key=str,
)
PROGRAMS = re.compile(r"(export [A-Z_]+=|[A-Z_]+=\$?\(?|curl |make |python3? |\S*/python |printf |docker |sudo )")
IN_TEXT = re.compile(r"`((?:make|python3?|\S*/python|manage\.py|git|apt-get|pip|uv|docker|sudo|curl) [^`]+)`")
# What does not run here, and why.
NOT_RUN = {
    ("README.md", "make demo"): "sets a whole portal up and seeds it; `make test` does, too",
    ("docs/history.md", "curl -H"): "names a deal of the reader's own",
    (
        "docs/deploy.md",
        "printf 'POSTGRES_PASSWORD",
    ): "needs Docker; tests/config/test_deploy.py reads what it would start",
    ("docs/deploy.md", "sudo useradd"): "changes users and services of the machine; test_deploy.py reads the services",
}
# Each measures this machine for minutes, and most seed a demo of their own.
BENCHMARK = re.compile(r"(?:make bench|\S*python3? -m benchmarks)(?: ARGS='?(\w+)| (\w+)|\.(\w+))?\b")
# Commands within a sentence: the reader is told of them, and not led through them.
NOT_RUN_IN_TEXT = {
    ("README.md", "make check"): "CI runs it beside the suite",
    ("README.md", "make demo"): "sets a whole portal up and seeds it; `make test` does, too",
    ("docs/deploy.md", "apt-get install"): "installs packages of the system",
    ("docs/deploy.md", "make serve"): "goes on until it is stopped; tests/dev/test_state.py starts it",
    ("docs/deploy.md", "git pull"): "replaces this very code",
    ("docs/tour.md", "make check"): "CI runs it beside the suite",
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


FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?:    .*\n)+")


def blocks(document: Path) -> list[str]:
    """Fenced and indented blocks that hold commands, as a person would paste them."""
    text = document.read_text()
    fenced = [block for language, block in FENCED.findall(text) if language in ("", "sh")]
    indented = [textwrap.dedent(block) for block in INDENTED.findall(FENCED.sub("", text))]
    return [block for block in [*fenced, *indented] if PROGRAMS.match(block)]


def in_text(document: Path) -> list[str]:
    """Commands within sentences; what was new in a version is not for the reader to do."""
    text = "" if document.name == "changelog.md" else FENCED.sub("", document.read_text())
    return [" ".join(command.split()) for command in IN_TEXT.findall(INDENTED.sub("", text))]


def is_listed(document: Path, command: str) -> bool:
    name = name_of(document)
    return bool(BENCHMARK.match(command)) or any(
        name == other and command.startswith(start) for other, start in NOT_RUN_IN_TEXT
    )


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


SAID = [(document, command) for document in DOCUMENTS for command in in_text(document)]


@pytest.mark.parametrize(
    ("document", "command"),
    [each for each in SAID if not is_listed(*each)],
    ids=lambda each: name_of(each) if isinstance(each, Path) else each[:40],
)
def test_every_command_within_a_sentence_runs_as_written(portal: Portal, document: Path, command: str) -> None:
    # On a server its own settings hold; beside the demo the reader has said so before.
    done = portal.run(f"export PORTAL_MODE=demo\n{command}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", sorted({command for _, command in SAID if command.startswith("make ")}))
def test_every_target_that_is_named_is_there(portal: Portal, command: str) -> None:
    done = portal.run(f"make --dry-run {command.removeprefix('make ')}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted({command for _, command in SAID if BENCHMARK.match(command)}))
def test_every_benchmark_that_is_named_is_there(command: str) -> None:
    found = BENCHMARK.match(command)
    assert found
    *names, module = found.groups()
    named = names[0] or names[1]
    assert named is None or named in benchmarks.__main__.BENCHMARKS
    assert module is None or importlib.util.find_spec(f"benchmarks.{module}")


def test_every_reason_of_a_sentence_is_of_a_command_that_is_there() -> None:
    for name, start in NOT_RUN_IN_TEXT:
        assert any(name == name_of(document) and command.startswith(start) for document, command in SAID), (name, start)


def test_documents_have_commands_that_run() -> None:
    assert {"README.md", "docs/api.md", "docs/import.md"} <= {name_of(document) for document in RUN}


def test_every_reason_is_of_a_command_that_is_there() -> None:
    there = {(name_of(document), block) for document in DOCUMENTS for block in blocks(document)}
    for name, start in NOT_RUN:
        assert any(name == document and block.startswith(start) for document, block in there), (name, start)


def test_a_command_that_fails_is_noticed(portal: Portal) -> None:
    assert portal.run("python-that-is-not-there manage.py check").returncode != 0
