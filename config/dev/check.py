"""What can be said about the code without running it: `python -m config.dev.check [step …]`.

Each step prints one line with its seconds, and its output when it fails; all steps run before the command
fails. `python -m config.dev.check snapshot` writes the OpenAPI description that the `openapi` step compares
with.
"""

from __future__ import annotations

import difflib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.dev import commands, state, vendor

APPS = ("leads", "attribution", "alignment", "integrations", "config")
SNAPSHOT = state.ROOT / "tests" / "baselines" / "openapi.yaml"
_DIFF_LINES = 80


@dataclass(frozen=True)
class Result:
    """One step's verdict; `output` is shown only for a failure."""

    name: str
    is_good: bool
    seconds: float
    output: str

    def __str__(self) -> str:
        line = f"{'ok  ' if self.is_good else 'FAIL'}  {self.name:<12}{self.seconds:6.1f} s"
        return line if self.is_good else f"{line}\n{self.output.rstrip()}\n"


def production_environment(folder: Path) -> dict[str, str]:
    """What a careful operator sets, with throw-away secrets, for Django's deployment check."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORTAL_MODE": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "portal.example.com",
        "PORTAL_URL": "https://portal.example.com",
        "DATABASE_URL": f"sqlite:///{folder / 'check.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "EMAIL_URL": "smtp://mail.example.com:25",
        "VAR_DIR": str(folder),
    }


def plain_environment(folder: Path) -> dict[str, str]:
    """The test mode on an empty throw-away database."""
    database = f"sqlite:///{folder / 'check.sqlite3'}"
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORTAL_MODE": "test",
        "DATABASE_URL": database,
        "VAR_DIR": str(folder),
    }


def execute(command: list[str], env: Mapping[str, str]) -> tuple[bool, str]:
    """Run a command in the project; returns whether it succeeded, and its output."""
    inherited = {key: value for key, value in os.environ.items() if key not in production_environment(Path())}
    done = subprocess.run(
        command,
        cwd=state.ROOT,
        env={**inherited, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout


def templates() -> list[str]:
    """Every template of ours."""
    folders = [state.ROOT / "templates", *(state.ROOT / app / "templates" for app in APPS)]
    return sorted(str(path) for folder in folders for path in folder.rglob("*.html"))


def describe_api(target: Path, folder: Path) -> tuple[bool, str]:
    """Write the API's OpenAPI description; warnings count as failures."""
    spectacular = commands.manage("spectacular", "--validate", "--fail-on-warn", "--file", str(target))
    return execute(spectacular, plain_environment(folder))


def difference(wanted: str, got: str) -> str:
    """A unified diff, cut off after some lines; empty when equal."""
    lines = list(difflib.unified_diff(wanted.splitlines(), got.splitlines(), "committed", "now", lineterm=""))
    if len(lines) > _DIFF_LINES:
        lines = [*lines[:_DIFF_LINES], f"… and {len(lines) - _DIFF_LINES} more lines"]
    return "\n".join(lines)


def openapi_step(folder: Path) -> tuple[bool, str]:
    """Compare the API's description with the committed one."""
    target = folder / "openapi.yaml"
    is_written, output = describe_api(target, folder)
    if not is_written:
        return False, output
    committed = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    changed = difference(committed, target.read_text())
    return not changed, f"{changed}\nIf the change is meant: make openapi"


def vendor_step(_folder: Path) -> tuple[bool, str]:
    """The vendored files are what the manifest says."""
    found = vendor.problems(vendor.OUT)
    return not found, "\n".join(found)


Step = Callable[[Path], tuple[bool, str]]


def _module(*words: str) -> Step:
    return lambda folder: execute([sys.executable, "-m", *words], plain_environment(folder))


def _manage(*words: str) -> Step:
    return lambda folder: execute(commands.manage(*words), plain_environment(folder))


def _script(name: str) -> str:
    """A program of the environment that is no module."""
    return str(Path(sys.executable).parent / name)


def _templates_step(_folder: Path) -> tuple[bool, str]:
    files = templates()
    return execute([_script("djade"), "--check", "--target-version", "5.2", *files], {})


def _contracts_step(_folder: Path) -> tuple[bool, str]:
    return execute([_script("lint-imports"), "--no-cache"], {})


STEPS: dict[str, Step] = {
    "mypy": _module("mypy", *(word for app in APPS for word in ("-p", app))),
    "lint": _module("ruff", "check", "--quiet", "."),
    "format": _module("ruff", "format", "--check", "--quiet", "--diff", "."),
    "contracts": _contracts_step,
    "templates": _templates_step,
    "vendor": vendor_step,
    "migrations": _manage("makemigrations", "--check", "--dry-run"),
    "deploy": lambda folder: execute(
        commands.manage("check", "--deploy", "--fail-level", "WARNING"), production_environment(folder)
    ),
    "openapi": openapi_step,
}


def perform(name: str) -> Result:
    """Run one step in a folder of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-check-") as folder:
        is_good, output = STEPS[name](Path(folder))
    return Result(name, is_good, time.monotonic() - began, output)


def write_snapshot() -> int:
    """Make today's API description the committed one; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="portal-check-") as folder:
        target = Path(folder) / "openapi.yaml"
        is_written, output = describe_api(target, Path(folder))
        if is_written:
            SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
            SNAPSHOT.write_text(target.read_text())
    print(f"Wrote {SNAPSHOT.relative_to(state.ROOT)}." if is_written else output)
    return 0 if is_written else 1


def main(arguments: list[str]) -> int:
    """Run the named steps, or all; returns 1 when any failed."""
    if arguments == ["snapshot"]:
        return write_snapshot()
    if unknown := sorted(set(arguments) - STEPS.keys()):
        print(f"No step {', '.join(unknown)}; there are: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(perform, arguments or STEPS):
            print(result, flush=True)
            failed += [] if result.is_good else [result.name]
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
