"""Transfers and CRMs: deals that a CRM keeps stay, and new owners of leads are owed to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from integrations.actions.jobs.follow_changes import follow_changes
from integrations.models import Connection, ExternalRecord, PendingPush, RecordKind
from leads.actions.routing.carry_out_transfer import carry_out_at_once
from leads.actions.routing.request_transfer import request_transfer
from leads.models import User
from leads.queries.transfers import book_of
from tests.leads.factories import LeadFactory, OpportunityFactory, UserFactory

AT = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def test_deals_of_the_crm_stay_and_new_owners_are_owed_to_it(sales_leader: User) -> None:
    connection = Connection.objects.create(
        slug="sandbox", name="sandbox", kind="sandbox", base_url="http://127.0.0.1:9", created_at=timezone.now()
    )
    ana, jana = UserFactory(name="Ana Ruiz"), UserFactory(name="Jana Weber")
    ours, theirs = OpportunityFactory(owner=ana), OpportunityFactory(owner=ana)
    ExternalRecord.objects.create(
        connection=connection, kind=RecordKind.DEAL, remote_id="d1", opportunity=theirs, synced_at=AT
    )
    lead = LeadFactory(owner=ana, stage="mql")
    book = book_of(ana, AT)
    assert (book.deals, book.deals_elsewhere) == (1, 1)

    transfer = request_transfer(way="person", to=[jana], reason="Ana leaves", by=sales_leader, at=AT, from_rep=ana)
    carry_out_at_once(transfer=transfer, at=AT)

    for deal, owner in ((ours, jana), (theirs, ana)):
        deal.refresh_from_db()
        assert deal.owner == owner
    assert follow_changes(at=AT) == 1
    assert PendingPush.objects.get().lead == lead

    Connection.objects.update(is_active=False)
    assert book_of(ana, AT).deals == 1
