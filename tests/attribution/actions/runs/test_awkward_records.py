"""One record that nobody would have thought of must not stop everybody's credits, nor leave a deal short."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import ProtectedError, Sum

from attribution.actions.fit_methods import fit_methods
from attribution.models import AttributionRules, Credit, CustomMethod, JourneyScope, MethodFit, Milestone
from leads.models import Channel, Lead, Opportunity, Touchpoint
from tests.attribution.factories import AT, company_with_deals, day, run
from tests.leads.factories import channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
OLD = datetime(1901, 1, 1, 0, 0, 0, 500, tzinfo=UTC)


def balanced() -> bool:
    """Every deal, under every scope and method, is split to the cent, and its weights make a whole."""
    amounts = dict(Opportunity.objects.values_list("pk", "reporting_cents"))
    sums = Credit.objects.values_list("opportunity", "scope", "method").annotate(Sum("cents"), Sum("weight")).order_by()
    found = list(sums)
    wrong = [row for row in found if row[3] != (amounts[row[0]] or 0) or row[4] != pytest.approx(1)]
    assert not wrong
    return len({row[0] for row in found}) == len(amounts)


def everything() -> None:
    """All scopes, all methods, and one of the company's own that finds no touch in most journeys."""
    AttributionRules.objects.update(kept_scopes=JourneyScope.values)
    CustomMethod.objects.create(slug="own", name="Own", lead_creation=100, excludes_self_initiated=True)
    fit_methods(at=AT, reason="test")


def test_amounts_of_any_size_and_sign() -> None:
    made = company_with_deals()
    everything()
    for name, cents in (("won", 2 * 10**15 + 7), ("repeat", -100_003), ("dollars", -1), ("open", 0), ("lost", 1)):
        Opportunity.objects.filter(pk=made[name].pk).update(reporting_cents=cents)
    run()
    assert balanced()
    # What of it is beyond all sense is nobody's.
    left = Credit.objects.unattributed().filter(opportunity=made["won"], method="linear", scope="contacts")
    assert left.get().cents == 10**15 + 7


@pytest.mark.parametrize("milestone", Milestone.values)
def test_dates_of_another_age_or_in_the_wrong_order(milestone: str) -> None:
    made = company_with_deals()
    everything()
    AttributionRules.objects.update(milestone=milestone)
    Opportunity.objects.filter(pk=made["won"].pk).update(opened_at=OLD)
    Opportunity.objects.filter(pk=made["dollars"].pk).update(opened_at=OLD, closed_at=OLD)
    Opportunity.objects.filter(pk=made["repeat"].pk).update(opened_at=day(99))  # closed on day 60
    Lead.objects.filter(pk=made["ada"].pk).update(captured_at=OLD)
    Touchpoint.objects.filter(lead=made["bob"]).update(occurred_at=OLD)
    run()
    assert balanced()


@pytest.mark.parametrize("values", [{}, {"campaign:999999": 1.0, "channel:999999": 0.2}])
def test_fits_of_places_that_are_gone(values: dict[str, float]) -> None:
    company_with_deals()
    everything()
    for fit in MethodFit.objects.filter(is_current=True):
        fit.parameters["values"] = values
        fit.save()
    run()
    assert balanced()


def test_no_channel_counts() -> None:
    company_with_deals()
    everything()
    AttributionRules.objects.get().suppressed_channels.set(Channel.objects.all())
    run()
    assert balanced()
    assert not Credit.objects.filter(touchpoint__isnull=False).exists()


def test_what_credits_name_cannot_be_deleted_and_what_is_gone_leaves_none() -> None:
    made = company_with_deals()
    run()
    for named in (made["mail"], channel("email")):
        with pytest.raises(ProtectedError):
            named.delete()
    # As left by a deletion that overlapped with the end of a run; no key of the database minds.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE attribution_credit SET opportunity_id = 999999 WHERE opportunity_id = %s", [made["won"].pk]
        )
    run(kind="full")
    assert balanced()
    assert not Credit.objects.filter(opportunity_id=999_999).exists()
