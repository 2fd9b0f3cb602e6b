"""Command line of the sandbox CRM; stops cleanly on SIGINT and SIGTERM."""

import argparse
import logging
import os
import signal
import sys
import threading

from .server import SandboxServer
from .store import Store


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox_crm", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--data", required=True, help="path of the SQLite file; made when missing")
    parser.add_argument("--token", default=os.environ.get("SANDBOX_CRM_TOKEN"), help="or SANDBOX_CRM_TOKEN")
    parser.add_argument("--rate", type=float, default=200.0, help="API calls per second before 429")
    options = parser.parse_args(arguments)
    if not options.token or not options.token.isascii() or len(options.token) < 8:
        parser.error("--token (or SANDBOX_CRM_TOKEN) needs at least 8 ASCII characters")
    if options.rate <= 0:
        parser.error("--rate is a number above 0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    store = Store(options.data)
    store.add_defaults()
    server = SandboxServer((options.host, options.port), store, options.token, rate=options.rate)

    def stop(*_: object) -> None:
        # shutdown() waits for the serving loop, which is this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write(f"Sandbox CRM on http://{options.host}:{server.server_port}/\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
