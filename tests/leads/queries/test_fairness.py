"""Turns owed and taken add up, and nobody is owed a turn they could not take."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from leads.actions.routing.assign_lead import assign_leads
from leads.actions.routing.reassign_lead import reassign_lead
from leads.models import RepAbsence, Territory, TerritoryRep, User
from leads.queries.fairness import fairness
from leads.queries.in_force import in_force
from tests.leads.factories import AccountFactory, LeadFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


def test_owed_and_taken(sales_leader: User) -> None:
    territory = Territory.objects.get(is_catch_all=True)
    jana, karl, mia = (UserFactory(name=name) for name in ("Jana Weber", "Karl Moser", "Mia Lang"))
    for rep, weight in ((jana, 2), (karl, 1), (mia, 1)):
        TerritoryRep.objects.create(territory=territory, rep=rep, weight=weight)
    RepAbsence.objects.create(rep=mia, starts_on=date(2026, 11, 16), ends_on=date(2026, 11, 16))
    for number in range(10):
        day = AT + timedelta(days=number >= 6)
        assign_leads(leads=[LeadFactory(captured_at=day)], at=day, settings=in_force())
    account = AccountFactory(owner=karl)
    lead = LeadFactory(account=account)
    assign_leads(leads=[lead], at=AT, settings=in_force())
    lead.refresh_from_db()
    reassign_lead(lead=lead, to=mia, reason="Knows them", by=sales_leader, at=AT)

    found = fairness(territory, AT - timedelta(days=1), AT + timedelta(days=5))

    rows = {str(row.rep): row for row in found.rows}
    # Six turns without Mia, 2 to 1; four with her, 2 to 1 to 1.
    assert [rows[name].owed for name in ("Jana Weber", "Karl Moser", "Mia Lang")] == [6.0, 3.0, 1.0]
    assert [rows[name].taken for name in ("Jana Weber", "Karl Moser", "Mia Lang")] == [6, 3, 1]
    assert (found.turns, found.assignments, found.unlogged) == (10, 12, 0)
    assert rows["Mia Lang"].by_hand == 1
    assert sum(row.taken for row in found.rows) == found.turns
    assert rows["Karl Moser"].by_account == 1
    assert rows["Mia Lang"].reasons == "away (6)"
