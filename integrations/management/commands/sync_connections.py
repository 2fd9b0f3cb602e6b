"""`manage.py sync_connections`: what the scheduled task does, without Celery."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from integrations.actions.hear_webhook import look_at_hints
from integrations.actions.jobs.plan_syncs import plan_manual_sync, run_due_syncs
from integrations.actions.push.back_fill import run_back_fills
from integrations.models import Connection


class Command(BaseCommand):
    """Sync what is due, or a connection by its slug right now."""

    help = "Do the day's CRM syncs, those that people asked for, and due retries."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", metavar="SLUG", help="also sync this connection now")

    def handle(self, *args: Any, **options: Any) -> None:
        run_back_fills(clock=timezone.now)
        if slug := options["now"]:
            connection = Connection.objects.active().get(slug=slug)
            plan_manual_sync(connection=connection, by=None, at=timezone.now())
        look_at_hints(clock=timezone.now, seed=secrets.randbits(32))
        done = run_due_syncs(clock=timezone.now, seed=secrets.randbits(32))
        self.stdout.write(f"{done} syncs done.")
