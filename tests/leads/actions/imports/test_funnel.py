"""A company's funnel through the real command, and its figures against a calculation straight from the files.

On the made-up sample always; on the real files wherever they are.
"""

from __future__ import annotations

import csv
import io
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection, transaction

import alignment.figures  # noqa: F401 - registers what is asked for below
import leads.figures  # noqa: F401
from leads.figures.base import Scope, figure, series
from leads.models import Company, Lead, LifecyclePassage, Opportunity, Submission, Touchpoint
from leads.pure.week import Period, Week

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[4]
TZ = ZoneInfo("America/Sao_Paulo")  # its midnight of 15 October 2017 does not exist
FILES = {
    "sample": (ROOT / "tests/data/funnel_leads.csv", ROOT / "tests/data/funnel_deals.csv"),
    "real": tuple(
        ROOT.parent / "shared/data/olist" / f"olist_{name}_dataset.csv"
        for name in ("marketing_qualified_leads", "closed_deals")
    ),
}
# The real files are not shipped; where they are, they are used.
PRESENT = [name for name, files in FILES.items() if name == "sample" or all(file.exists() for file in files)]
CHANNELS = {
    "organic search": "organic-search",
    "paid search": "paid-search",
    "social": "organic-social",
    "direct traffic": "direct",
    "email": "email",
    "referral": "referral",
    "display": "display",
    "other": "other",
    "other publicities": "other",
    "unknown": "other",
    "": "other",
}


@pytest.fixture(scope="module", params=PRESENT)
def funnel(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker) -> Iterator[SimpleNamespace]:
    """Both files imported by the command, twice; and their rows read by nothing but csv and datetime."""
    lead_file, deal_file = FILES[request.param]
    with django_db_blocker.unblock(), transaction.atomic():
        Company.objects.filter(pk=1).update(time_zone=str(TZ), currency="BRL")
        first, began = io.StringIO(), time.process_time()
        call_command("import_csv", "leads", str(lead_file), "--set", "stage=mql", "--save", "funnel", stdout=first)
        seconds = time.process_time() - began
        options = ["--set", "status=won", "--set", "keep_other_columns=yes"]
        call_command("import_csv", "opportunities", str(deal_file), *options, stdout=first)
        # As autovacuum does once rows are committed. These never are, and without statistics PostgreSQL joins by loops.
        # Of our tables alone, because the catalogs that databases share would stay locked for as long.
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'ANALYZE "{table}"')
        connection.check_constraints()  # here once, and not again after each test
        counts = _counts()
        again = io.StringIO()
        call_command("import_csv", "leads", str(lead_file), "--map", "funnel", stdout=again)
        call_command("import_csv", "opportunities", str(deal_file), *options, stdout=again)
        people, deals = _read(lead_file), _read(deal_file)
        yield SimpleNamespace(
            name=request.param,
            people={row["mql_id"]: row for row in people},
            deals=deals,
            first=first.getvalue(),
            again=again.getvalue(),
            seconds=seconds,
            counts=counts,
            # A moment within the data, so that some deals are still open then.
            at=_local(sorted(row["won_date"] for row in deals)[len(deals) * 2 // 3]) + timedelta(microseconds=1),
            end=datetime(2026, 11, 21, tzinfo=UTC),
        )
        transaction.set_rollback(True)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ).astimezone(UTC)


def _counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Lead, Touchpoint, LifecyclePassage, Opportunity, Submission))


def _scope(funnel: SimpleNamespace, at: datetime | None = None, channel: str = "") -> Scope:
    days = sorted(date.fromisoformat(row["first_contact_date"]) for row in funnel.people.values())
    period = Period.of_dates(days[0] - timedelta(days=60), days[-1] + timedelta(days=1), TZ)
    return Scope(period=period, at=at or funnel.end, tz=TZ, currency="BRL", channel=channel)


def _channel(row: dict[str, str]) -> str:
    return CHANNELS[row["origin"]]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def test_all_rows_are_taken_and_a_second_time_none(funnel: SimpleNamespace) -> None:
    """Runs on: sample, and real where the files are."""
    if os.environ.get("CI") == "true":
        # A warning, because output of passed tests is swallowed, most of all by several workers.
        warnings.warn(f"imported the {funnel.name} funnel, {len(funnel.people)} leads", stacklevel=1)
    people, deals = len(funnel.people), len(funnel.deals)
    assert f"created {people:,}, updated 0, unchanged 0, rejected 0" in funnel.first
    assert f"created {deals:,}, updated 0, unchanged 0, rejected 0" in funnel.first
    assert f"created 0, updated 0, unchanged {people:,}, rejected 0" in funnel.again
    assert f"created 0, updated 0, unchanged {deals:,}, rejected 0" in funnel.again
    assert _counts() == funnel.counts
    assert funnel.counts[0] == funnel.counts[1] == people


def test_leads_by_channel_and_week(funnel: SimpleNamespace) -> None:
    expected: Counter[tuple[str, date]] = Counter()
    for row in funnel.people.values():
        expected[_channel(row), _monday(date.fromisoformat(row["first_contact_date"]))] += 1
    weeks = sorted({week for _, week in expected})
    shown: Counter[tuple[str, date]] = Counter()
    for channel in sorted(set(CHANNELS.values())):
        found = series(
            "leads.captured", _scope(funnel, channel=channel), Week.of_date(weeks[0]), Week.of_date(weeks[-1])
        )
        shown.update({(channel, week.starts_on): count for week, count in found if count})
    assert shown == expected
    assert figure("leads.captured", _scope(funnel)).value == len(funnel.people)


def test_every_lead_became_an_mql_at_its_first_contact(funnel: SimpleNamespace) -> None:
    passages = LifecyclePassage.objects.filter(to_stage="mql").values_list("lead__external_id", "passed_at")
    expected = {key: row["first_contact_date"] for key, row in funnel.people.items()}
    assert {key: at.astimezone(TZ).date().isoformat() for key, at in passages} == expected


@pytest.mark.parametrize("is_past", [False, True], ids=["now", "in between"])
def test_conversion_by_channel(funnel: SimpleNamespace, is_past: bool) -> None:
    at = funnel.at if is_past else funnel.end
    midnights = {key: _first_moment(row) for key, row in funnel.people.items()}
    known = {key for key in funnel.people if midnights[key] <= at}
    entered = Counter(_channel(funnel.people[key]) for key in known)
    won = Counter(
        _channel(funnel.people[row["mql_id"]])
        for row in funnel.deals
        if row["mql_id"] in known and max(_local(row["won_date"]), midnights[row["mql_id"]]) <= at
    )
    for channel in sorted(set(CHANNELS.values())):
        found = figure("leads.conversion.lead_to_won", _scope(funnel, at, channel))
        expected = won[channel] / entered[channel] if entered[channel] else None
        assert (found.totals["numerator"], found.totals["denominator"]) == (won[channel], entered[channel])
        assert found.value == expected, channel


def _first_moment(row: dict[str, str]) -> datetime:
    return datetime.combine(date.fromisoformat(row["first_contact_date"]), datetime.min.time(), TZ).astimezone(UTC)


def test_deals_won_per_week(funnel: SimpleNamespace) -> None:
    expected = Counter(_monday(_local(row["won_date"]).astimezone(TZ).date()) for row in funnel.deals)
    weeks = sorted(expected)
    found = series("pipeline.won_count", _scope(funnel), Week.of_date(weeks[0]), Week.of_date(weeks[-1]))
    assert {week.starts_on: count for week, count in found if count} == dict(expected)


def _spans(funnel: SimpleNamespace) -> list[tuple[datetime, datetime]]:
    """Opening and close of each deal; a deal opened with its lead's first contact."""
    return [(_first_moment(funnel.people[row["mql_id"]]), _local(row["won_date"])) for row in funnel.deals]


def test_median_cycle_of_the_deals_won(funnel: SimpleNamespace) -> None:
    period = Period(min(closed for _, closed in _spans(funnel)), funnel.end)
    days = [(closed - opened).total_seconds() / 86_400 for opened, closed in _spans(funnel) if closed >= opened]
    found = figure("pipeline.cycle_median", _scope(funnel).during(period))
    assert found.value == median(days)
    assert found.parts["excluded_backwards"].count() == len(funnel.deals) - len(days) == 1


def test_survival_median_with_deals_still_open(funnel: SimpleNamespace) -> None:
    at = funnel.at
    spans = [(opened, closed) for opened, closed in _spans(funnel) if opened <= at and closed >= opened]
    times = [((min(closed, at) - opened).total_seconds() / 86_400, closed <= at) for opened, closed in spans]
    assert 0 < sum(not ended for _, ended in times) < len(times)
    found = figure("pipeline.cycle_survival", _scope(funnel, at))
    assert found.value == _kaplan_meier_median(times)
    assert found.value > median(days for days, ended in times if ended)


def _kaplan_meier_median(times: list[tuple[float, bool]]) -> float | None:
    """The first time at which the product of (1 - ended / at risk) is at most one half, in exact fractions."""
    share = Fraction(1)
    for moment in sorted({days for days, ended in times if ended}):
        at_risk = sum(days >= moment for days, _ in times)
        share *= 1 - Fraction(sum(days == moment and ended for days, ended in times), at_risk)
        if share <= Fraction(1, 2):
            return moment
    return None


def test_the_files_words_are_kept(funnel: SimpleNamespace) -> None:
    unknown = Lead.objects.filter(attributes__origin="unknown")
    assert unknown.count() == sum(row["origin"] == "unknown" for row in funnel.people.values())
    assert set(unknown.values_list("channel__key", flat=True)) == {"other"}
    deal = Opportunity.objects.select_related("stage").get(external_id=funnel.deals[1]["seller_id"])
    assert deal.attributes["business_segment"] == funnel.deals[1]["business_segment"]
    assert deal.attributes["business_type"] == "reseller"
    assert (deal.status, deal.stage.key, deal.amount_cents, deal.currency) == ("won", "won", None, "BRL")
    contact = deal.contacts.select_related("lead").get()
    assert (contact.lead.external_id, contact.is_primary, contact.lead.stage) == (
        funnel.deals[1]["mql_id"],
        True,
        "customer",
    )


def test_eight_thousand_leads_within_fifteen_seconds(funnel: SimpleNamespace) -> None:
    """Of the processor's time, because tests share the machine; the sample is too small to say anything."""
    assert funnel.seconds < 15
