"""The sweep on the made-up funnel: the same code that a person runs on a real one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db.models import F

from attribution.models import Credit
from benchmarks.reconcile import SAMPLE, file_differs, make_company, sweep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_funnel_adds_up_in_every_filter_and_a_missing_cent_is_found() -> None:
    make_company(*SAMPLE, at=AT)
    assert file_differs(SAMPLE[1]) == []
    found = sweep(at=AT, tables=30)
    assert (found.off, found.wrong) == ([], 0)
    assert (found.deals, found.scopes, found.tables, found.figures) == (43, 3, 30, 3)
    assert found.methods >= 15
    assert found.totals == 30 * found.methods
    # A tenth of the amounts stays unknown; all others are told apart by method and scope.
    assert found.deal_sums == 39 * found.methods * found.scopes
    taken = Credit.objects.filter(method="linear", scope="contacts", touchpoint__isnull=False, cents__gt=0).first()
    assert taken is not None
    Credit.objects.filter(pk=taken.pk).update(cents=F("cents") - 1)
    found = sweep(at=AT, tables=0)
    assert found.wrong == 1
    assert found.off[0].startswith(f"deal · {taken.opportunity_id} · linear · contacts")
