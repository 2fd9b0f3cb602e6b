"""A process of its own that pushes: `python -m tests.integrations.flows.pusher <connection> <seconds ahead> <pause>`.

Says "pushing" before each call and "answered" after it, then waits `pause` seconds, so that a test can kill it between
the CRM's write and ours.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(connection_id: int, ahead: float, pause: float) -> None:
    import django

    django.setup()
    from integrations.actions.runs.hold_connection import ConnectionBusy
    from integrations.connectors import sandbox
    from tests.integrations.world import push_connection

    original = sandbox.SandboxConnector.upsert

    def upsert(self: Any, kind: Any, drafts: Any) -> Any:
        say("pushing")
        outcomes = list(original(self, kind, drafts))
        say("answered")
        time.sleep(pause)
        return iter(outcomes)

    sandbox.SandboxConnector.upsert = upsert
    sandbox.SandboxConnector.capabilities = replace_batch(sandbox.SandboxConnector.capabilities)
    try:
        run = push_connection(
            connection_id=connection_id, clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead), seed=os.getpid()
        )
    except ConnectionBusy:
        say("busy")
        return
    say(f"{run.state} {run.created} {run.unchanged}")


def replace_batch(capabilities: Any) -> Any:
    from dataclasses import replace

    return replace(capabilities, batch_size=10)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
