"""The peers' own environment in var/bench-venv, made from the hashed lock; ours stays as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "peers.lock"


class NoPeers(Exception):
    """The environment could not be made; the message says why."""


def peers_python() -> Path:
    """The interpreter of the peers' environment, made anew when the lock has changed. Raises NoPeers."""
    folder = Path(os.environ.get("VAR_DIR", HERE.parent / "var")) / "bench-venv"
    python, stamp = folder / "bin" / "python", folder / ".lock-digest"
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"Installing the peers in {folder} (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", LOCK]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise NoPeers(f"not installable: {(made.stderr.strip().splitlines() or ['pip failed'])[-1][:200]}")
    stamp.write_text(digest)
    return python
