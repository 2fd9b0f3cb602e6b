"""A small demo company for tests that walk every address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from config.demo.seed import Order, seed_demo
from config.demo.seed_crm import SLUG
from leads.actions.bulk.run_bulk import request_bulk
from leads.actions.routing.reassign_lead import reassign_lead
from leads.actions.webhooks.save_endpoint import add_endpoint, send_test
from leads.models import (
    ChannelRuleVersion,
    DismissedProposal,
    Duplicate,
    Enrollment,
    Lead,
    Opportunity,
    RoutingVersion,
    SavedView,
    ScoringRuleSet,
    TrackedSite,
    User,
    WebForm,
    Workflow,
    WorkflowMail,
    WorkflowVersion,
)
from leads.past.acting import backdated
from tests.conftest import NOW


class World:
    """Rows of the demo company that addresses name, and a person of each role."""

    def __init__(self) -> None:
        from alignment.models import Recommendation, WeeklyReport
        from attribution.models import AttributionRun, Credit
        from integrations.models import Connection, SyncRun

        self.people = {role: User.objects.filter(role=role).order_by("pk")[0] for role in ROLES}
        # The rep's own records, and those of somebody else.
        rep, other = User.objects.filter(role="sales_rep").order_by("pk")[:2]
        leads = Lead.objects.filter(stage="mql").order_by("pk")
        deals = Opportunity.objects.filter(status="won", credits__touchpoint__isnull=False).distinct().order_by("pk")
        (self.own_lead, self.other_lead), (self.own_deal, self.other_deal) = leads[:2], deals[:2]
        for row, owner in (
            (self.own_lead, rep),
            (self.other_lead, other),
            (self.own_deal, rep),
            (self.other_deal, other),
        ):
            type(row).objects.filter(pk=row.pk).update(owner=owner)
        self.campaign = Credit.objects.filter(campaign__isnull=False)[0].campaign
        self.run = AttributionRun.objects.order_by("pk")[0]
        self.connection = Connection.objects.get(slug=SLUG)
        self.sync_run = SyncRun.objects.filter(connection=self.connection, direction="pull").order_by("-pk")[0]
        self.report = WeeklyReport.objects.order_by("-starts_on")[0]
        self.recommendation = Recommendation.objects.filter(state="open")[0]
        lead = Lead.objects.filter(stage="mql").order_by("-pk")[0]
        self.transfer = reassign_lead(
            lead=lead, to=rep if lead.owner != rep else other, reason="Test", by=self.people["admin"], at=NOW
        )
        self.web_form = WebForm.objects.get(name="Pricing request")
        self.submission = self.web_form.submissions.filter(state="spam").order_by("pk")[0]
        self.tracked_site = TrackedSite.objects.order_by("pk")[0]
        self.draft = RoutingVersion.objects.get(state="draft")
        self.workflow = Workflow.objects.get(name="Nurture after a form")
        self.workflow_draft = WorkflowVersion.objects.get(state="draft")
        self.enrollment = Enrollment.objects.running().exclude(lead__owner=rep).order_by("pk")[0]
        self.unclear_mail = WorkflowMail.objects.get(state="unclear")
        self.scoring_draft = ScoringRuleSet.objects.get(state="draft")
        leader = self.people["sales_leader"]
        self.bulk = request_bulk(verb="accept", ids=[self.other_lead.pk], params={}, by=leader, at=NOW)
        Lead.objects.filter(pk=self.other_lead.pk).update(stage="mql")
        self.view = SavedView.objects.create(listing="leads", name="Mine", owner=leader, created_at=NOW)
        self.proposal = DismissedProposal.objects.create(key="x", words="x", reason="x", dismissed_at=NOW)
        first, second = sorted([self.other_lead.pk, self.own_lead.pk])
        self.duplicate = Duplicate.objects.create(
            first_id=first, second_id=second, reasons=["x"], strength=1, found_at=NOW
        )
        admin = self.people["admin"]
        endpoint = add_endpoint(
            name="Test", url="http://127.0.0.1:9/", events=["lead.captured"], random=b"x" * 32, by=admin, at=NOW
        )
        self.webhook = send_test(endpoint=endpoint, key="world", by=admin, at=NOW)
        self.rules = ChannelRuleVersion.objects.create(number=1, rules=[], change="None", saved_at=NOW)


ROLES = ("marketing_director", "sales_leader", "sales_rep", "admin")


@pytest.fixture(scope="package")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Seeded once and rolled back at the end; each test's own changes roll back before that.

    The day is always the same: with another one the company, and so the number of queries, would differ.
    """
    with django_db_blocker.unblock(), time_machine.travel(NOW):
        outer = transaction.atomic()
        outer.__enter__()
        try:
            # The clock of PostgreSQL does not travel along.
            with backdated(NOW):
                seed_demo(
                    order=Order(
                        at=NOW,
                        out=tmp_path_factory.mktemp("demo") / "demo.json",
                        url="http://testserver",
                        seed=7,
                        leads=1500,
                        reports=2,
                        sandbox_data=None,
                        sandbox_url="http://127.0.0.1:9",
                        sandbox_token="token",
                    ),
                    say=lambda line: None,
                )
                made = World()
            # Django looks at the keys of other tables after each test. PostgreSQL puts off what it has to look at, and
            # takes that up again when the test is rolled back: all rows of the company each time, were it not done now.
            connection.check_constraints()
            yield made
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)
