"""Two processes that merge the same pair in opposite directions at the same moment: one wins, nobody waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from leads.models import Lead, LeadMerge, OpportunityContact, Touchpoint
from tests import forking
from tests.integrations.api.test_capture_races import shared_database
from tests.leads.factories import LeadFactory, OpportunityFactory, TouchpointFactory

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def race(folder: Path, module: str, jobs: list[tuple[int, int]]) -> list[str]:
    """A process of the module for each pair of arguments, all starting together; what each says in the end."""
    start = folder / "start"
    with shared_database(folder) as address:
        return forking.race([forking.start(module, *pair, start, address=address) for pair in jobs], start)


def test_of_two_opposite_merges_one_wins(tmp_path: Path) -> None:
    one, two = LeadFactory(), LeadFactory()
    deal = OpportunityFactory()
    for lead in (one, two):
        TouchpointFactory.create_batch(20, lead=lead)
        deal.contacts.create(lead=lead)
        OpportunityFactory().contacts.create(lead=lead)

    said = race(tmp_path, "tests.leads.actions.identity.merger", [(one.pk, two.pk), (two.pk, one.pk)] * 2)

    assert said.count("merged") == 1
    # The others hear whichever is true of their direction.
    assert set(said) - {"merged"} <= {"AlreadyMerged", "MergedTheOtherWay"}
    merge = LeadMerge.objects.get()
    assert Lead.objects.live().get() == merge.survivor
    assert Touchpoint.objects.filter(lead=merge.survivor).count() == 40
    assert OpportunityContact.objects.filter(lead=merge.survivor).count() == OpportunityContact.objects.count() == 3
