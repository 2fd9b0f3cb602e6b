"""Put changes of rows into words: which column of what, from what to what, and who changed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Field, ForeignKey, Model

from alignment.models import WeeklyReport
from alignment.pure.ledger import Number
from alignment.queries.row_changes import RowChange
from leads.models import (
    Activity,
    CampaignCost,
    Change,
    ExchangeRate,
    FollowUp,
    Lead,
    LifecyclePassage,
    Opportunity,
    OpportunityContact,
    Touchpoint,
    User,
)
from leads.pure import words

NOUNS: dict[type[Model], str] = {
    Opportunity: "Deal",
    OpportunityContact: "Contact",
    Touchpoint: "Touchpoint",
    LifecyclePassage: "Stage passage",
    FollowUp: "Follow-up",
    Activity: "Activity",
    CampaignCost: "Cost",
}
# What a row that came or went is told by.
_TOLD: dict[type[Model], tuple[str, ...]] = {
    OpportunityContact: ("lead_id",),
    Touchpoint: ("occurred_at", "channel_id", "campaign_id"),
    LifecyclePassage: ("to_stage", "passed_at"),
    FollowUp: ("planned_at", "done_at"),
    Activity: ("kind", "occurred_at"),
    CampaignCost: ("amount_cents",),
    ExchangeRate: ("currency", "rate", "valid_from"),
    Opportunity: ("status", "amount_cents"),
}


class Telling:
    """Tells changes. What they point at is looked up once, as it is called today."""

    def __init__(self, changes: Sequence[RowChange]) -> None:
        wanted: dict[type[Model], set[int]] = {}
        for change in changes:
            for field, value in _pointers(change):
                wanted.setdefault(field.related_model, set()).add(int(value))
        self._named = {model: model._default_manager.in_bulk(ids) for model, ids in wanted.items()}
        self._writers: dict[int, str] | None = None

    def columns(self, change: RowChange, report: WeeklyReport) -> Iterator[dict[str, str]]:
        """What changed: of what, which column, from what, to what."""
        of = NOUNS.get(change.model, str(change.model._meta.verbose_name).capitalize())
        if change.kind == "changed":
            for name, old, new in change.columns:
                before, after = (self._text(change, name, value, report) for value in (old, new))
                yield {"of": of, "label": _label(change.model, name), "before": before, "after": after}
            return
        names = [name for name in _TOLD.get(change.model, ()) if change.row.get(name) is not None]
        told = ", ".join(self._text(change, name, change.row[name], report) for name in names) or of
        came = change.kind == "came"
        before, after = (words.MISSING, told) if came else (told, words.MISSING)
        yield {"of": of, "label": "Recorded" if came else "Deleted", "before": before, "after": after}

    def people(self, changes: Sequence[RowChange]) -> list[str]:
        """Public ids of the leads that these changes are about or name."""
        ids = {change.pk for change in changes if change.model is Lead}
        ids |= {int(value) for change in changes for field, value in _pointers(change) if field.related_model is Lead}
        rows = Lead.objects.filter(pk__in=ids).order_by("pk").values_list("public_id", flat=True)
        return [str(public_id) for public_id in rows] if ids else []

    def writer(self, change: Change) -> str:
        """Who wrote it: a person, else what did so in their place."""
        if change.actor is None:
            return change.source
        if self._writers is None:
            self._writers = {user.pk: str(user) for user in User.objects.only("pk", "name", "email")}
        return self._writers.get(change.actor, change.source)

    def _text(self, change: RowChange, name: str, value: Any, report: WeeklyReport) -> str:
        field = _field(change.model, name)
        if value is None or value == "":
            return words.MISSING
        if isinstance(field, ForeignKey):
            found = self._named.get(field.related_model, {}).get(int(value))
            return words.MISSING if found is None else str(found)
        if name.endswith("_cents"):
            billed = str(change.row.get("currency") or report.currency)
            return words.money_exact(int(value), report.currency if name == "reporting_cents" else billed)
        if isinstance(value, datetime):
            return f"{value.astimezone(ZoneInfo(report.time_zone)):%-d %b %Y, %H:%M}"
        if isinstance(value, date):
            return f"{value:%-d %b %Y}"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return str(dict(field.flatchoices).get(value, value))


def _pointers(change: RowChange) -> Iterator[tuple[ForeignKey[Any, Any], Any]]:
    told = _TOLD.get(change.model, ()) if change.kind != "changed" else ()
    values = [(name, value) for name, *both in change.columns for value in both]
    values += [(name, change.row.get(name)) for name in told]
    for name, value in values:
        field = _field(change.model, name)
        if isinstance(field, ForeignKey) and value is not None:
            yield field, value


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.column == column)


def _label(model: type[Model], column: str) -> str:
    labels = {
        "reporting_cents": "amount in the company currency",
        "amount_cents": "amount",
        "merged_into_id": "merged into",
    }
    text = labels.get(column) or str(_field(model, column).verbose_name)
    return text[:1].upper() + text[1:]


def signed_text(value: Number | None, unit: str, currency: str) -> str:
    """A difference in a figure's unit, with its sign."""
    if value is None:
        return words.MISSING
    if unit in ("money", "money_per_day"):
        text = words.money_exact(round(value), currency)
        return f"+{text}" if round(value) > 0 else text
    if unit == "share":
        return f"{words.signed(value * 100, 2)} pt"
    if unit == "count":
        return words.signed(value)
    # A median that moved by seconds is not "0.00 hours".
    digits = 2 if value == 0 or abs(value) >= 0.005 else 4
    return words.signed(value, digits) + (f" {unit}" if unit in ("hours", "days", "minutes") else "")
