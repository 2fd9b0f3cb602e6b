"""Libraries that no Python package brings: Pango for PDF, Chromium for browser tests.

`python -m config.dev.system pdf|browser …`: as root on Debian what is missing is installed; elsewhere one
line says how. With CI=true anything still missing is a failure, since a test that did not run proves nothing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


def has_pango() -> bool:
    """True when the libraries that lay out PDF pages can be loaded."""
    suffixes = {"darwin": "{0}.dylib"}.get(sys.platform, "{0}.so.0")
    try:
        for name in ("libpango-1.0", "libpangoft2-1.0", "libharfbuzz-subset"):
            ctypes.CDLL(suffixes.format(name))
    except OSError:
        return False
    return True


def chromium() -> str | None:
    """Path of a Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Need:
    """Something of the system's: what for, how to see it, and Debian's packages for it."""

    purpose: str
    is_met: Callable[[], bool]
    packages: tuple[str, ...]


NEEDS: Mapping[str, Need] = {
    "pdf": Need(
        "PDF reports",
        has_pango,
        ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"),
    ),
    "browser": Need("browser tests", lambda: chromium() is not None, ("chromium", "fonts-liberation")),
}


def missing(names: list[str]) -> list[str]:
    """The names of unmet needs."""
    return [name for name in names if not NEEDS[name].is_met()]


def advice(name: str, *, as_root: bool) -> str:
    """One line: what does not work, and the command that mends it."""
    need = NEEDS[name]
    command = f"{'' if as_root else 'sudo '}apt-get install {' '.join(need.packages)}"
    return f"No {need.purpose} on this machine. On Debian or Ubuntu: {command}"


def apt_install(packages: list[str]) -> None:
    """Install Debian packages; apt's words are shown only when it fails."""
    began = time.monotonic()
    print(f"Installing {' '.join(packages)} …", flush=True)
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    # Lists may be stale without harm, so a failing update is not the end: the installation decides.
    for command in (["apt-get", "update"], install):
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print("\n".join(done.stdout.splitlines()[-10:]), file=sys.stderr, flush=True)
    print(f"Done after {time.monotonic() - began:.0f} s.", flush=True)


def ensure(names: list[str], environ: Mapping[str, str]) -> list[str]:
    """Install what is missing where we may, else say how; returns what is still missing."""
    lacking = missing(names)
    as_root = os.geteuid() == 0
    if lacking and as_root and shutil.which("apt-get"):
        apt_install([package for name in lacking for package in NEEDS[name].packages])
        lacking = missing(lacking)
    for name in lacking:
        print(advice(name, as_root=as_root), file=sys.stderr)
    return lacking


def is_ci(environ: Mapping[str, str]) -> bool:
    """True when nobody is there to read a warning."""
    return environ.get("CI", "").lower() in ("1", "true", "yes")


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Ensure the named needs; returns 1 when one is unmet and this is CI."""
    unknown = sorted(set(arguments) - NEEDS.keys())
    if unknown or not arguments:
        print(f"usage: python -m config.dev.system {' '.join(NEEDS)}", file=sys.stderr)
        return 2
    return 1 if ensure(arguments, environ) and is_ci(environ) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
