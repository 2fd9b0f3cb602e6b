"""`manage.py seed_demo`: the demo company, once; later starts only refresh addresses and the sign-in file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.demo.company import FULL_SIZE
from config.demo.seed import Order, SeedRefused, seed_demo
from leads.past.acting import COMMAND_LINE, Door, act


class Command(BaseCommand):
    help = "Write the demo company into an empty database and its sign-ins into a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--leads", type=int, default=os.environ.get("DEMO_LEADS", FULL_SIZE), help="or DEMO_LEADS")
        parser.add_argument("--sandbox-data", type=Path, help="the sandbox CRM's SQLite file")
        parser.add_argument("--sandbox-url", default="http://127.0.0.1:8081")
        parser.add_argument(
            "--sandbox-token", default=os.environ.get("SANDBOX_CRM_TOKEN", ""), help="or SANDBOX_CRM_TOKEN"
        )
        parser.add_argument("--url", default=settings.PORTAL_URL, help="the portal's address")
        parser.add_argument("--out", type=Path, default=Path(settings.VAR_DIR) / "demo.json")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["leads"] < 50:
            raise CommandError("A company needs at least 50 leads to be one.")
        order = Order(
            at=timezone.now(),
            out=options["out"],
            url=options["url"],
            seed=options["seed"],
            leads=options["leads"],
            sandbox_data=options["sandbox_data"],
            sandbox_url=options["sandbox_url"],
            sandbox_token=options["sandbox_token"],
        )
        try:
            with act(Door.COMMAND, source="seed_demo", because=COMMAND_LINE):
                seed_demo(order=order, say=self._say)
        except SeedRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
