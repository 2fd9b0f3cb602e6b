"""Make the virtual environment from the hashed lock: `python3 config/dev/setup.py run|dev`.

Run as a script by the system's own Python, so it may import nothing of ours and nothing installed. A stamp
written last says which lock the environment holds: an environment without a stamp is half-made and is made
again.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the system's Python may well be older
    version = ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"Python 3.11 or newer is needed; {sys.executable} is {version}. Try: make PYTHON=python3.12 …")

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "config" / "locks"
STAMP = ".portal-stamp"


def digests(locks: Path, python: str) -> dict[str, str]:
    """Lock name → digest of its content and the Python version."""
    return {
        name: hashlib.sha256(python.encode() + (locks / f"{name}.lock").read_bytes()).hexdigest()
        for name in ("run", "dev")
    }


def is_current(stamp: str | None, wanted: str, known: Mapping[str, str]) -> bool:
    """True when the stamped environment has what `wanted` needs; dev contains run."""
    return stamp is not None and stamp in ({known["dev"]} if wanted == "dev" else set(known.values()))


def read_stamp(environment: Path) -> str | None:
    """The stamp, or None for an absent, half-made or moved environment."""
    try:
        text = (environment / STAMP).read_text().split()
    except OSError:
        return None
    # Scripts inside name the folder they were made in: a moved or copied project needs its own environment.
    return text[0] if len(text) == 2 and text[1] == digest_of_path(environment) else None


def digest_of_path(environment: Path) -> str:
    """Short digest of where the environment lies."""
    return hashlib.sha256(str(environment.resolve()).encode()).hexdigest()[:16]


def write_stamp(environment: Path, digest: str) -> None:
    """Say that the environment is whole."""
    (environment / STAMP).write_text(f"{digest} {digest_of_path(environment)}\n")


def locked_packages(lock: str) -> int:
    """How many packages a lock names, those for other platforms included."""
    return sum(1 for line in lock.splitlines() if line[:1].isalnum())


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one set-up run at a time: `make demo` and `make test` may start together."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def require_venv_module() -> None:
    """Debian ships Python without ensurepip: install it as root, else say how and exit."""
    if importlib.util.find_spec("ensurepip") is not None:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's python3-venv …", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], env=env, capture_output=True, check=False)
        apt = ["apt-get", "install", "-y", "--no-install-recommends", "python3-venv"]
        if subprocess.run(apt, env=env, capture_output=True, check=False).returncode == 0:
            return
    sys.exit("Python's venv module is not complete. On Debian or Ubuntu: sudo apt-get install python3-venv")


def show_progress(lines: Iterable[str], total: int, *, live: bool) -> list[str]:
    """Count pip's packages, on one line of a terminal or every twentieth; returns pip's last lines."""
    seen = 0
    last: list[str] = []
    for line in lines:
        last = [*last[-30:], line]
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            seen += 1
            if live or seen % 20 == 0:
                print(f"\r  {seen} of at most {total} packages found", end="" if live else "\n", flush=True)
        elif line.startswith("Installing collected"):
            print("\r  installing                              ", flush=True)
    return last


def install(environment: Path, lock: Path) -> None:
    """Install exactly what the lock names, hashes checked, ready-made wheels only."""
    python = str(environment / "bin" / "python")
    exactly = ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    if uv := shutil.which("uv"):
        if subprocess.run([uv, "pip", "install", "--python", python, *exactly], check=False).returncode:
            sys.exit("Installing the packages failed; the lines above say why.")
        return
    # Python compiles what is used at its first import; compiling all of it here takes longer than the download.
    quiet = ["--no-compile", "--disable-pip-version-check", "--progress-bar", "off", "--no-input"]
    command = [python, "-m", "pip", "install", *exactly, *quiet]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        last = show_progress(process.stdout or [], locked_packages(lock.read_text()), live=sys.stdout.isatty())
    if process.returncode:
        sys.exit("".join(last) + "\nInstalling the packages failed; the lines above say why.")


def create(environment: Path) -> None:
    """An empty environment in place of whatever is there."""
    shutil.rmtree(environment, ignore_errors=True)
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
        return
    require_venv_module()
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)


def prepare(environment: Path, wanted: str) -> None:
    """Bring the environment to the wanted lock; does nothing when it is there already."""
    known = digests(LOCKS, sys.version.split()[0])
    stamp = read_stamp(environment)
    if is_current(stamp, wanted, known):
        return
    began = time.monotonic()
    if stamp is None or not (environment / "bin" / "python").exists():
        print(f"Making the virtual environment {environment} …", flush=True)
        create(environment)
    (environment / STAMP).unlink(missing_ok=True)
    print(f"Installing packages from config/locks/{wanted}.lock …", flush=True)
    install(environment, LOCKS / f"{wanted}.lock")
    write_stamp(environment, known[wanted])
    print(f"Environment ready after {time.monotonic() - began:.0f} s.", flush=True)


def main(arguments: list[str]) -> int:
    """Prepare the environment for running the portal or for developing it; returns the exit status."""
    if arguments not in (["run"], ["dev"]):
        print("usage: python3 config/dev/setup.py run|dev", file=sys.stderr)
        return 2
    with alone(LOCKS):
        prepare(ROOT / ".venv", arguments[0])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; run the command again to go on.")
