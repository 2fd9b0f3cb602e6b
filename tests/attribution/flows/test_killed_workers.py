"""Workers in processes of their own, one killed with rows written but not committed: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from attribution.actions.runs.request_run import request_run
from attribution.actions.runs.work_on_runs import CLAIM
from attribution.models import AttributionRun, Credit, StagedCredit
from leads.models import Company, Opportunity
from tests import forking
from tests.attribution.factories import company_with_deals, run, stored
from tests.integrations.api.test_capture_races import shared_database

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def worker(address: str, *, ahead: float = 0, pause: float = 0) -> forking.Forked:
    return forking.start("tests.attribution.flows.worker", ahead, pause, address=address)


def test_two_workers_share_a_run_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    Company.objects.filter(pk=1).update(currency="EUR", time_zone="Europe/Berlin")
    company_with_deals()
    run()
    Opportunity.objects.update(reporting_cents=1_234)
    before = stored()
    request_run(kind="full", at=timezone.now(), by=None, reason="test")
    with shared_database(tmp_path) as address:
        killed = worker(address, pause=60)
        assert killed.stdout.readline().strip() == "staged"
        killed.kill()
        killed.wait()
        killed.stdout.close()
        # The claim of the dead one still holds: another does the rest and cannot finish.
        rest = worker(address)
        said, _ = rest.communicate(timeout=120)
        assert said.splitlines()[-1] == "done 3", said
        pair = [worker(address, ahead=CLAIM.total_seconds() + 5) for _ in range(2)]
        words = [each.communicate(timeout=120)[0].splitlines()[-1] for each in pair]
        assert sorted(words) == ["done 0", "done 1"], words
    asked = AttributionRun.objects.order_by("-pk")[0]
    assert (asked.state, asked.shards, asked.shards_done, asked.error) == ("done", 4, 4, "")
    assert stored() != before
    assert not StagedCredit.objects.exists()
    assert asked.credits_written == Credit.objects.count()
    known = stored()
    run(kind="full")
    assert stored() == known
