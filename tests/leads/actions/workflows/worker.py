"""Runs workflows over and over until it is told to stop or killed: a process of its own for races and kills.

python -m tests.leads.actions.workflows.worker MAIL-FOLDER START-FILE STOP-FILE
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from tests.forking import stand_ready


def main(folder: Path, start: Path, stop: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.core.mail import EmailMultiAlternatives
    from django.db import OperationalError, connection

    from leads.actions.workflows.advance import advance_enrollments
    from leads.actions.workflows.enroll import enroll_triggered
    from leads.actions.workflows.send_mails import send_workflow_mails

    def send(self: Any, fail_silently: bool = False) -> int:
        """What left is a file of its own, and a worker may die on either side of it."""
        (folder / f"{self.to[0]}.{uuid.uuid4()}").write_text(self.subject)
        time.sleep(0.002)
        return 1

    EmailMultiAlternatives.send = send  # type: ignore[method-assign]
    connection.ensure_connection()
    stand_ready(start)
    while not stop.exists():
        try:
            enroll_triggered(at=datetime.now(UTC))
            advance_enrollments(at=datetime.now(UTC))
            send_workflow_mails(at=datetime.now(UTC))
        except OperationalError:  # as a task would: the next beat comes
            connection.close()
    sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
