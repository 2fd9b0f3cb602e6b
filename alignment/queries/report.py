"""Reading published reports, and who may do what with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from alignment.models import ReportRows, Restatement, WeeklyReport
from alignment.pure import sealing
from alignment.pure.ledger import is_same
from leads.models import Company, Role, User
from leads.pure.week import Week

PUBLISHED_FROM = time(6)


def may_read_reports(user: User) -> bool:
    """Reports are about the whole company, so they are for people who see all of it."""
    return user.sees_all


def may_publish(user: User) -> bool:
    """Those whom the report is for, and an admin for them."""
    return user.is_active and may_read_reports(user)


def may_decide(user: User) -> bool:
    """Both sides, and an admin for them; reps read what was decided."""
    return user.is_active and user.has_role(Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN)


def last_whole_week(at: datetime, company: Company) -> Week:
    """The newest week that has ended at a moment, by the company's calendar."""
    return Week.of(at, company.tz).previous()


def due_week(at: datetime, company: Company) -> Week:
    """The newest week whose report is due: it comes out on Monday at six, company time."""
    local = at.astimezone(company.tz)
    is_early = local.weekday() == 0 and local.time() < PUBLISHED_FROM
    return last_whole_week(at - timedelta(days=1) if is_early else at, company)


def is_sealed(report: WeeklyReport, causes: Sequence[Cause] | None = None) -> bool:
    """Whether the content is what was published, and so is every cause that it has the hash of, erased ones aside.

    ``causes`` are those of `causes_told`, for whoever has read them.
    """
    if sealing.digest(report.content) != report.digest:
        return False
    return all(cause.is_intact for cause in (causes_told(report) if causes is None else causes))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a number of an earlier report was restated, as the news of a later one tell it."""

    text: str
    is_intact: bool = True


def causes_told(report: WeeklyReport) -> list[Cause]:
    """The cause of each restatement that the content tells of, in its order. They may name people, so that only their
    hashes are frozen and the texts can be erased; reports of before have the texts."""
    told = report.content["restatements"]
    hashed = [item for item in told if "cause_hash" in item]
    looks = Restatement.objects.filter(
        report__week__in={item["week"] for item in hashed}, noticed_at__in={item["noticed_at"] for item in hashed}
    ).values_list("report__week", "figure", "item", "noticed_at", "cause", "salt")
    found = {
        (week, entry, item, at.isoformat()): (text, salt)
        for week, entry, item, at, text, salt in (looks if hashed else ())
    }
    return [_cause(item, found) for item in told]


def _cause(item: Mapping[str, Any], found: Mapping[tuple[str, str, str, str], tuple[str, str]]) -> Cause:
    if "cause_hash" not in item:
        return Cause(item["cause"])
    text, salt = found.get((item["week"], item["entry"], item["item"], item["noticed_at"]), ("", ""))
    if not salt:
        return Cause(text, sealing.ERASED in text)
    return Cause(text, sealing.seal_text(text, salt) == item["cause_hash"])


def are_rows_sealed(report: WeeklyReport, rows: ReportRows) -> bool:
    """Whether a part's rows are what was published; their digest is part of the content."""
    about = report.content["figures"].get(rows.figure)
    parts = about["parts"] if about else []
    kept = next((part["digest"] for part in parts if part["name"] == rows.part), None)
    return kept is not None and sealing.verify_rows(rows.columns, rows.rows, rows.seals, kept)


# --- restatements ----------------------------------------------------------------------------------------------------


def looks(rows: QuerySet[Restatement]) -> QuerySet[Any]:
    """Restatements in the order in which they were noticed, without their ledgers but for what names and unit they
    told (``told_name``, ``told_unit``; None in looks of before)."""
    named = rows.annotate(told_name=KT("ledger__name"), told_unit=KT("ledger__unit"))
    return named.defer("ledger").order_by("noticed_at", "pk")


def newest_looks(report: WeeklyReport) -> dict[tuple[str, str], Restatement]:
    """The newest look at each number of a report, those that are back at their published value among them."""
    rows = looks(report.restatements.select_related("report").defer("report__content"))
    return {(row.figure, row.item): row for row in rows}


def standing(rows: Iterable[Restatement]) -> list[Restatement]:
    """Those that differ from what was published."""
    return [row for row in rows if not is_same(row.published_value, row.current_value)]
