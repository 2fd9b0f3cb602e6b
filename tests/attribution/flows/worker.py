"""A process of its own that works on planned runs: `python -m tests.attribution.flows.worker <seconds ahead> <pause>`.

Says "staged" inside the transaction of each part, once its rows are written, then waits `pause` seconds, so that a test
can kill it before they are committed.
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


def main(ahead: float, pause: float) -> None:
    import django

    django.setup()
    from attribution.actions.runs import work_on_runs as parts

    original = parts.store_pages

    def store_pages(**known: Any) -> Any:
        stored = original(**known)
        say("staged")
        time.sleep(pause)
        return stored

    parts.store_pages = store_pages
    say(f"done {parts.work_on_runs(clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead), part_size=2)}")


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
