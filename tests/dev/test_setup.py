"""When the environment is made anew, and what a stamp is worth."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.dev import setup
from config.dev.state import ROOT

pytestmark = pytest.mark.slow

KNOWN = {"run": "r", "dev": "d"}


@pytest.mark.parametrize(
    ("stamp", "wanted", "expected"),
    [
        (None, "run", False),
        ("r", "run", True),
        ("d", "run", True),
        ("r", "dev", False),
        ("d", "dev", True),
        ("old", "run", False),
        ("old", "dev", False),
    ],
)
def test_environment_is_current(stamp: str | None, wanted: str, expected: bool) -> None:
    assert setup.is_current(stamp, wanted, KNOWN) is expected


def test_digest_follows_lock_and_python(tmp_path: Path) -> None:
    for name in ("run", "dev"):
        (tmp_path / f"{name}.lock").write_text(f"{name}==1\n")
    before = setup.digests(tmp_path, "3.11.2")
    assert before["run"] != before["dev"]
    assert setup.digests(tmp_path, "3.12.0")["run"] != before["run"]
    (tmp_path / "run.lock").write_text("run==2\n")
    after = setup.digests(tmp_path, "3.11.2")
    assert after["run"] != before["run"]
    assert after["dev"] == before["dev"]


def test_half_made_or_moved_environment_has_no_stamp(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    environment.mkdir()
    assert setup.read_stamp(environment) is None
    setup.write_stamp(environment, "r")
    assert setup.read_stamp(environment) == "r"
    moved = environment.rename(tmp_path / "moved")
    assert setup.read_stamp(moved) is None
    (moved / setup.STAMP).write_text("")
    assert setup.read_stamp(moved) is None


@pytest.fixture
def small_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks that name nothing, so that a real environment is made without a registry."""
    locks = tmp_path / "locks"
    locks.mkdir()
    for name in ("run", "dev"):
        (locks / f"{name}.lock").write_text(f"# {name}: nothing\n")
    monkeypatch.setattr(setup, "LOCKS", locks)
    return locks


def test_environment_is_made_once_and_again_when_interrupted(tmp_path: Path, small_locks: Path) -> None:
    environment = tmp_path / "env"
    setup.prepare(environment, "run")
    python = environment / "bin" / "python"
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode in (0, 1)
    (environment / "witness").touch()
    setup.prepare(environment, "run")
    assert (environment / "witness").exists()
    (small_locks / "run.lock").write_text("# run: changed\n")
    setup.prepare(environment, "run")
    assert (environment / "witness").exists()  # a changed lock is installed over what is there
    (environment / setup.STAMP).unlink()
    setup.prepare(environment, "run")
    assert not (environment / "witness").exists()  # a half-made environment is not trusted


def test_failed_installation_leaves_no_stamp(tmp_path: Path, small_locks: Path) -> None:
    environment = tmp_path / "env"
    setup.prepare(environment, "run")
    (small_locks / "run.lock").write_text("not-hashed==1.0\n")
    with pytest.raises(SystemExit):
        setup.prepare(environment, "run")
    assert setup.read_stamp(environment) is None


def test_progress_counts_packages(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"Collecting p{number}==1\n" for number in range(40)] + ["Installing collected packages: p\n"]
    last = setup.show_progress(lines, 45, live=False)
    assert "20 of at most 45" in capsys.readouterr().out
    assert last[-1].startswith("Installing")


def test_locked_packages_counts_names_only() -> None:
    lock = "a==1 \\\n    --hash=sha256:0\n    # via b\nb==2 ; python_version < '3.12' \\\n    --hash=sha256:1\n"
    assert setup.locked_packages(lock) == 2


def test_runs_as_a_script_without_anything_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config" / "dev", tmp_path / "config" / "dev")
    script = tmp_path / "config" / "dev" / "setup.py"
    done = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
