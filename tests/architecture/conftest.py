"""A small demo company for tests that walk every address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from config.demo.seed import Order, seed_demo
from leads.models import Lead, Opportunity, User


class World:
    """Rows of the demo company that addresses name, and a person of each role."""

    def __init__(self) -> None:
        from alignment.models import WeeklyReport
        from attribution.models import Credit
        from integrations.models import Connection

        self.people = {role: User.objects.filter(role=role).order_by("pk")[0] for role in ROLES}
        # The rep's own records, and those of somebody else.
        rep = self.people["sales_rep"] = Lead.objects.filter(stage="mql", owner__isnull=False)[0].owner
        credited = Opportunity.objects.filter(status="won", credits__touchpoint__isnull=False).distinct()
        self.own_lead = Lead.objects.filter(owner=rep, stage="mql")[0]
        self.other_lead = Lead.objects.exclude(owner=rep).filter(owner__isnull=False)[0]
        self.own_deal = credited.filter(owner=rep)[0]
        self.other_deal = credited.exclude(owner=rep)[0]
        self.campaign = Credit.objects.filter(campaign__isnull=False)[0].campaign
        self.connection = Connection.objects.get(kind="sandbox")
        self.report = WeeklyReport.objects.order_by("-starts_on")[0]


ROLES = ("marketing_director", "sales_leader", "sales_rep", "admin")


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Seeded once per module and rolled back at its end; each test's own changes roll back before that."""
    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        try:
            seed_demo(
                order=Order(
                    at=datetime.now(UTC),
                    out=tmp_path_factory.mktemp("demo") / "demo.json",
                    url="http://testserver",
                    seed=7,
                    leads=600,
                    sandbox_data=None,
                    sandbox_url="http://127.0.0.1:9",
                    sandbox_token="token",
                ),
                say=lambda line: None,
            )
            yield World()
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)
