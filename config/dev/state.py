"""What the demo keeps on disk (`var/`), and the environment its processes get."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# The sandbox CRM keeps one file for each vendor's dialect beside its own.
DIALECTS = ("hubspot", "pipedrive", "salesforce")
# Only names we make ourselves: VAR_DIR may point at a folder that holds other things.
_OURS = (
    "portal.sqlite3 portal.sqlite3-wal portal.sqlite3-shm portal.sqlite3-journal portal.sqlite3-queue"
    " portal.sqlite3-writer sandbox_crm.sqlite3"
    " sandbox_crm.sqlite3-wal sandbox_crm.sqlite3-shm sandbox_crm.sqlite3-journal"
    + "".join(f" sandbox_crm.{kind}.sqlite3{end}" for kind in DIALECTS for end in ("", "-wal", "-shm", "-journal"))
    + " demo.json seeded.json sandbox_crm.json secret_key valkey.sock valkey uploads mail static log"
)


class Refusal(Exception):
    """Why the portal cannot start, in one line a person can act on."""


@dataclass(frozen=True)
class Sandbox:
    """Where the sandbox CRM listens and its access token; kept, since the portal's connection stores both."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"


def var_dir(environ: Mapping[str, str]) -> Path:
    """The state folder: VAR_DIR, else `var/` in the project; made when absent, readable by us alone. Raises Refusal."""
    folder = Path(environ.get("VAR_DIR") or ROOT / "var").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Refusal(f"The folder {folder} cannot be made: {error.strerror}. Set VAR_DIR to another.") from None
    return folder


def port_number(text: str) -> int:
    """A TCP port from the environment. Raises Refusal."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Refusal(f"PORT is {text!r}; it must be a number from 1 to 65535.")
    return int(text)


def number(environ: Mapping[str, str], name: str, default: int) -> int:
    """How many of something, at least one. Raises Refusal."""
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise Refusal(f"{name} is {text!r}; it must be a number from 1 to 1000.")
    return int(text)


def is_free(port: int) -> bool:
    """True when nobody listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(port: int) -> None:
    """Raises Refusal when the port is taken."""
    if not is_free(port):
        raise Refusal(f"Port {port} is taken. Try another: make demo PORT={8000 if port == 65535 else port + 1}")


def write_private(path: Path, content: str) -> None:
    """Write a file only we can read; whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(content)
    temporary.replace(path)


def secret_key(folder: Path) -> str:
    """The installation's secret key, made at the first start."""
    path = folder / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48) + "\n")
    return path.read_text().strip()


def sandbox(folder: Path) -> Sandbox:
    """The sandbox CRM's port and token: as last time while that port is free, else a new port."""
    path = folder / "sandbox_crm.json"
    known: dict[str, Any] = {"port": None, "token": secrets.token_urlsafe(24)}
    if path.exists():
        known = json.loads(path.read_text())
    if known["port"] is None or not is_free(known["port"]):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            known["port"] = probe.getsockname()[1]
        write_private(path, json.dumps(known))
    return Sandbox(known["port"], known["token"])


def is_seeded(environ: Mapping[str, str], folder: Path, addresses: Mapping[str, str]) -> bool:
    """True when our own databases hold the demo company under these addresses, so that seeding can be left out."""
    parts = ("portal.sqlite3", "sandbox_crm.sqlite3", "demo.json", "seeded.json")
    if environ.get("DATABASE_URL") or not all((folder / part).exists() for part in parts):
        return False
    return bool(json.loads((folder / "seeded.json").read_text()) == dict(addresses))


def environment(
    environ: Mapping[str, str], folder: Path, *, mode: str, port: int, redis_url: str, crm: Sandbox | None
) -> dict[str, str]:
    """The children's environment: what the caller set wins, the rest is filled in for one machine."""
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "REDIS_URL": redis_url,
    }
    if mode == "demo":
        given |= {"SECRET_KEY": secret_key(folder), "PORTAL_URL": f"http://127.0.0.1:{port}"}
    filled = given | {key: value for key, value in environ.items() if value or key not in given}
    if mode == "demo":
        filled["PORTAL_MODE"] = "demo"
    if crm is not None:
        filled |= {"SANDBOX_CRM_URL": crm.url, "SANDBOX_CRM_TOKEN": crm.token}
    return filled


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise Refusal naming its holder. The kernel frees it when we die."""
    try:
        descriptor = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refusal(f"The folder {folder} cannot be written to: {error.strerror}. Set VAR_DIR to another.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            raise Refusal(f"The portal already runs on {folder} (process {holder}); stop it first.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def reset(environ: Mapping[str, str], folder: Path) -> None:
    """Remove everything the demo made. Raises Refusal for a database that is not ours to empty."""
    if environ.get("DATABASE_URL"):
        raise Refusal("DATABASE_URL is set, and demo-reset only clears var/: empty that database yourself.")
    for name in _OURS.split():
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
