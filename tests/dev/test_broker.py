"""Where the embedded broker listens and what it may forget."""

from __future__ import annotations

import shutil
from pathlib import Path

from config.dev import broker


def test_socket_lies_in_the_folder_when_its_path_is_short() -> None:
    assert broker.socket_path(Path("/srv/portal/var")) == (Path("/srv/portal/var/valkey.sock"), None)


def test_long_path_gets_a_short_temporary_folder() -> None:
    socket, temporary = broker.socket_path(Path("/srv") / ("x" * 100))
    assert temporary is not None
    try:
        assert len(str(socket)) < 60
        assert temporary.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(temporary)


def test_durable_broker_logs_every_message_and_drops_none() -> None:
    words = broker.command(Path("/s"), Path("/d"), durable=True)
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
    assert words[words.index("--port") + 1] == "0"
