"""What the demo keeps, refuses and hands to its processes."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.dev import state
from config.dev.state import ROOT, Refusal


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def taken_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_taken_port_is_refused_in_one_line(taken_port: int) -> None:
    with pytest.raises(Refusal, match=rf"^Port {taken_port} is taken. Try another: make demo PORT=\d+$"):
        state.require_free(taken_port)


@pytest.mark.parametrize("text", ["", "0", "65536", "80a", "-1", "²", "8 0"])
def test_port_must_be_a_port(text: str) -> None:
    with pytest.raises(Refusal, match="PORT"):
        state.port_number(text)


def test_second_supervisor_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "config.dev.supervisor", "demo"]
    env = {**os.environ, "VAR_DIR": str(tmp_path)}
    with state.only_one(tmp_path):
        second = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"already runs on {tmp_path} (process {os.getpid()})" in second.stderr


def test_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with state.only_one(tmp_path):
            pass


def test_secrets_are_private_and_kept(tmp_path: Path) -> None:
    first = state.secret_key(tmp_path)
    assert len(first) >= 50
    assert state.secret_key(tmp_path) == first
    assert mode_of(tmp_path / "secret_key") == 0o600
    crm = state.sandbox(tmp_path)
    assert state.sandbox(tmp_path) == crm
    assert mode_of(tmp_path / "sandbox_crm.json") == 0o600


def test_sandbox_moves_when_its_port_is_taken(tmp_path: Path, taken_port: int) -> None:
    state.write_private(tmp_path / "sandbox_crm.json", json.dumps({"port": taken_port, "token": "t"}))
    crm = state.sandbox(tmp_path)
    assert crm.port != taken_port
    assert crm.token == "t"
    assert state.sandbox(tmp_path) == crm


def test_seeding_is_left_out_only_for_our_whole_data_at_the_same_addresses(tmp_path: Path) -> None:
    addresses = {"portal": "http://127.0.0.1:8000", "crm": "http://127.0.0.1:9000"}
    for name in ("portal.sqlite3", "sandbox_crm.sqlite3", "demo.json"):
        (tmp_path / name).touch()
    assert not state.is_seeded({}, tmp_path, addresses)
    (tmp_path / "seeded.json").write_text(json.dumps(addresses))
    assert state.is_seeded({}, tmp_path, addresses)
    assert not state.is_seeded({"DATABASE_URL": "postgres://x/y"}, tmp_path, addresses)
    assert not state.is_seeded({}, tmp_path, {**addresses, "portal": "http://127.0.0.1:8001"})
    (tmp_path / "portal.sqlite3").unlink()
    assert not state.is_seeded({}, tmp_path, addresses)


def environment(tmp_path: Path, given: dict[str, str], mode: str = "demo") -> dict[str, str]:
    crm = state.Sandbox(9000, "token")
    return state.environment(given, tmp_path, mode=mode, port=8123, redis_url="unix:///s", crm=crm)


def test_environment_is_filled_in_for_one_machine(tmp_path: Path) -> None:
    env = environment(tmp_path, {"HOME": "/h"})
    assert env["DATABASE_URL"] == f"sqlite:///{tmp_path}/portal.sqlite3"
    assert env["REDIS_URL"] == "unix:///s"
    assert env["PORTAL_URL"] == "http://127.0.0.1:8123"
    assert env["SANDBOX_CRM_URL"] == "http://127.0.0.1:9000"
    assert env["SECRET_KEY"] == state.secret_key(tmp_path)
    assert env["HOME"] == "/h"


def test_what_the_caller_set_wins_but_for_the_mode(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgres://x/y", "PORTAL_URL": "http://box:1", "PORTAL_MODE": "production"}
    env = environment(tmp_path, {**given, "SECRET_KEY": ""})
    assert env["DATABASE_URL"] == "postgres://x/y"
    assert env["PORTAL_URL"] == "http://box:1"
    assert env["PORTAL_MODE"] == "demo"
    assert env["SECRET_KEY"] == state.secret_key(tmp_path)


def test_serve_invents_no_secret(tmp_path: Path) -> None:
    env = environment(tmp_path, {"PORTAL_MODE": "production"}, mode="serve")
    assert env["PORTAL_MODE"] == "production"
    assert "SECRET_KEY" not in env


def test_reset_removes_ours_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").write_text("x")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "web.log").write_text("x")
    (tmp_path / "thesis.doc").write_text("x")
    state.reset({}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_reset_leaves_a_database_elsewhere_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{}")
    with pytest.raises(Refusal, match="empty that database yourself"):
        state.reset({"DATABASE_URL": "postgres://x/y"}, tmp_path)
    assert (tmp_path / "demo.json").exists()


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(state.Refusal, match="cannot be made"):
            state.var_dir({"VAR_DIR": str(folder)})


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "supervisor.lock").mkdir()  # root may write anywhere, but nobody into a folder
    with pytest.raises(state.Refusal, match="cannot be written"), state.only_one(tmp_path):
        pass
