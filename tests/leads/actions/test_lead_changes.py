"""Changes of leads are collected and written table by table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.lead_changes import LeadChanges
from leads.models import Lead, LeadEvent, LifecyclePassage, Stage
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


def test_equal_changes_of_many_leads_are_one_update() -> None:
    leads, owner = [LeadFactory(stage=Stage.LEAD) for _ in range(30)], UserFactory()
    changes = LeadChanges(AT)
    for lead in leads:
        changes.set(lead, owner=owner, changed_at=AT)
        changes.pass_stage(lead, Stage.MQL, "fit 40 and behavior 30")
    with CaptureQueriesContext(connection) as asked:
        changes.write()
    assert len(asked) <= 3  # the leads, the passages, the news; Django does not see COPY
    stored = Lead.objects.filter(pk__in=[lead.pk for lead in leads])
    assert set(stored.values_list("owner", "stage", "changed_at")) == {(owner.pk, "mql", AT)}
    assert LifecyclePassage.objects.filter(lead__in=stored, to_stage="mql").count() == 30
    kinds = LeadEvent.objects.filter(lead__in=stored).values_list("kind", flat=True)
    assert list(kinds) == ["stage_changed"] * 30


def test_values_that_differ_reach_their_own_lead() -> None:
    first, second = LeadFactory(stage=Stage.LEAD), LeadFactory(stage=Stage.LEAD)
    changes = LeadChanges(AT)
    changes.set(first, intake_due_at=AT)
    changes.set(second, intake_due_at=None)
    changes.write()
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.intake_due_at == AT
    assert second.intake_due_at is None


def test_the_next_verb_sees_what_is_not_written_yet() -> None:
    lead = LeadFactory(stage=Stage.LEAD)
    changes = LeadChanges(AT)
    changes.pass_stage(lead, Stage.MQL, "because")
    assert lead.stage == "mql"
    assert changes.moments_of(Stage.MQL) == {lead.pk: AT}
    assert Lead.objects.get(pk=lead.pk).stage == "lead"


def test_what_is_written_is_not_written_again() -> None:
    lead = LeadFactory(stage=Stage.LEAD)
    changes = LeadChanges(AT)
    changes.pass_stage(lead, Stage.MQL, "because")
    changes.write()
    changes.write()
    assert LifecyclePassage.objects.filter(lead=lead, to_stage="mql").count() == 1
