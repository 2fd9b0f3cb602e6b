"""The real server on a free port, in a thread."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from integrations.sandbox_crm.server import SandboxServer
from integrations.sandbox_crm.store import Store

TOKEN = "sandbox-test-token"


@contextlib.contextmanager
def running_crm(path: Path, *, rate: float = 10_000) -> Iterator[SandboxServer]:
    """A server with default stages and owners; `url` is where to go."""
    store = Store(path)
    store.add_defaults()
    server = SandboxServer(("127.0.0.1", 0), store, TOKEN, rate=rate)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        store.close()
