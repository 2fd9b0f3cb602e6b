"""An erased person is gone from reports, whose seals verify."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alignment.actions.report.erase_from_reports import Erased, NotErasable, SealBroken, erase_from_reports
from alignment.actions.report.render_report import render_email
from alignment.actions.report.restate import restate
from alignment.models import ReportRows, Restatement, WeeklyReport
from alignment.pure.sealing import ERASED, digest
from alignment.queries.report import are_rows_sealed, causes_told, is_sealed
from leads.models import Company, Lead
from leads.past.acting import backdated
from leads.pure.week import Week
from tests.alignment.factories import MONDAY, report
from tests.leads.factories import LeadFactory
from tests.leads.figures import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(company: Company) -> Lead:
    ada, eve = (
        LeadFactory(first_name=name, company=f"{name} Ltd", captured_at=world.on(10)) for name in ("Ada", "Eve")
    )
    for lead in (ada, eve):
        world.passage(lead, "mql", world.on(10))
        world.follow_up(lead, world.on(10, 9), world.on(10, 13), world.on(10, 10))
    return ada


def texts() -> str:
    kept = [*ReportRows.objects.values_list("rows", flat=True), *Restatement.objects.values_list("ledger", "cause")]
    return json.dumps(kept)


def test_a_person_is_erased_and_every_seal_verifies(ada: Lead) -> None:
    made = report()
    other = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    with backdated(MONDAY + timedelta(days=1)):
        Lead.objects.filter(pk=ada.pk).update(merged_into=Lead.objects.get(first_name="Eve"))
    restate(at=MONDAY + timedelta(days=2))
    assert "Ada" in texts()
    assert str(ada.public_id) in texts()
    erased = erase_from_reports(lead=ada.public_id)
    assert erased.cells > 4
    assert erased.lines > 0
    for name in ("Ada", str(ada.public_id)):
        assert name not in texts()
    assert ERASED in texts()
    assert "Eve" in texts()
    for each in (made, other):
        each.refresh_from_db()
        assert is_sealed(each)
        assert all(are_rows_sealed(each, rows) for rows in each.row_sets.all())
    assert erase_from_reports(lead=ada.public_id) == Erased(0, 0)
    assert erase_from_reports(lead=LeadFactory().public_id) == Erased(0, 0)


def test_a_later_report_that_told_of_the_person_tells_of_nobody(ada: Lead) -> None:
    report()
    with backdated(MONDAY + timedelta(days=1)):
        ada.passages.all().delete()
    later = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    assert "Ada" in str([cause.text for cause in causes_told(later)])
    assert "Ada" in text_of(later)
    assert "Ada" not in json.dumps(later.content)
    erase_from_reports(lead=ada.public_id)
    later.refresh_from_db()
    assert is_sealed(later)
    assert "Ada" not in text_of(later)
    assert ERASED in text_of(later)


def test_a_cause_that_was_changed_breaks_the_seal(ada: Lead) -> None:
    report()
    with backdated(MONDAY + timedelta(days=1)):
        ada.passages.all().delete()
    later = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    assert is_sealed(later)
    Restatement.objects.update(cause="The weather")
    assert not is_sealed(later)
    Restatement.objects.update(salt="")
    assert not is_sealed(later)
    Restatement.objects.all().delete()
    assert not is_sealed(later)


def test_a_report_of_before_salts_that_names_the_person_refuses(ada: Lead) -> None:
    report()
    with backdated(MONDAY + timedelta(days=1)):
        ada.passages.all().delete()
    later = report(Week(2026, 47), MONDAY + timedelta(weeks=1))
    told = zip(later.content["restatements"], causes_told(later), strict=True)
    content = {**later.content, "restatements": [{**item, "cause": cause.text} for item, cause in told]}
    for item in content["restatements"]:
        del item["cause_hash"]
    WeeklyReport.objects.filter(pk=later.pk).update(content=content, digest=digest(content))
    later.refresh_from_db()
    assert is_sealed(later)
    before = texts()
    with pytest.raises(NotErasable, match="before causes had salts"):
        erase_from_reports(lead=ada.public_id)
    assert texts() == before


def text_of(made: WeeklyReport) -> str:
    return render_email(report=made, company_name="Test")[1]


def test_what_an_erased_row_counted_is_still_compared(ada: Lead) -> None:
    report()
    erase_from_reports(lead=ada.public_id)
    assert restate(at=MONDAY + timedelta(hours=1)) == []
    with backdated(MONDAY + timedelta(days=1)):
        ada.passages.all().delete()
    rows = {row.figure: row for row in restate(at=MONDAY + timedelta(days=2))}
    (cause,) = rows["leads.mqls"].ledger["causes"]
    assert [(line["row"], line["url"], line["amount"]) for line in cause["lines"]] == [(ERASED, "", -1)]


def test_rows_that_do_not_verify_are_left_alone(ada: Lead) -> None:
    made = report()
    rows = made.row_sets.get(figure="leads.mqls", part="included")
    ReportRows.objects.filter(pk=rows.pk).update(rows=[rows.rows[0]])
    before = texts()
    with pytest.raises(SealBroken):
        erase_from_reports(lead=ada.public_id)
    ReportRows.objects.filter(pk=rows.pk).update(rows=rows.rows, seals=None)
    with pytest.raises(NotErasable, match="before rows had salts"):
        erase_from_reports(lead=ada.public_id)
    ReportRows.objects.filter(pk=rows.pk).update(rows=[rows.rows[0]], seals=rows.seals)
    assert texts() == before
