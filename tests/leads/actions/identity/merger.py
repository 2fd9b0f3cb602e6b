"""Merges one pair of leads when told to start: a process of its own for the races of merges.

python -m tests.leads.actions.identity.merger SURVIVOR LOSER START-FILE
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import django

from tests.forking import stand_ready


def main(survivor_id: int, loser_id: int, start: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection

    from leads.actions.identity.merge_leads import MergeRefused, merge_leads

    connection.ensure_connection()
    stand_ready(start)
    try:
        merge_leads(survivor_id=survivor_id, loser_id=loser_id, by=None, at=datetime.now(UTC))
    except MergeRefused as refusal:
        sys.stdout.write(f"{type(refusal).__name__}\n")
    else:
        sys.stdout.write("merged\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
