"""What changed since a moment, by when others could first see it."""

from __future__ import annotations

import pytest

from leads.models import Account, Opportunity, WebhookAttempt
from leads.past.acting import backdated
from leads.past.news import changed_rows
from tests.conftest import NOW
from tests.leads.as_of import CHANGED, MADE, PUBLISHED, changed_deal
from tests.leads.factories import OpportunityFactory

pytestmark = pytest.mark.django_db


def test_rows_made_and_changed_in_the_window_are_named_once() -> None:
    deal = changed_deal()
    late = Opportunity.objects.get(name="Entered late")
    assert changed_rows(Opportunity, since=PUBLISHED, until=CHANGED) == [deal.pk, late.pk]
    assert changed_rows(Opportunity, since=CHANGED, until=NOW.replace(year=2027)) == []
    assert changed_rows(Opportunity, since=MADE.replace(year=2025), until=MADE) == [deal.pk]


def test_a_row_that_changed_and_is_gone_is_among_them() -> None:
    with backdated(MADE):
        deal = OpportunityFactory()
    with backdated(PUBLISHED):
        Opportunity.objects.filter(pk=deal.pk).update(name="Last words")
    with backdated(CHANGED):
        Opportunity.objects.filter(pk=deal.pk).delete()
    assert changed_rows(Opportunity, since=MADE, until=CHANGED) == [deal.pk]


def test_a_table_without_a_past_is_refused() -> None:
    with pytest.raises(LookupError):
        changed_rows(WebhookAttempt, since=MADE, until=CHANGED)
    assert changed_rows(Account, since=MADE, until=MADE) == []
