"""Gaps in the data that make other figures weaker."""

from __future__ import annotations

from leads.figures import columns, selection
from leads.figures.base import Definition, Parts, RowSet, Scope, register
from leads.figures.dated_deals import created
from leads.figures.lifecycle import captured
from leads.models import Stage


def _missing_contacts(scope: Scope) -> Parts:
    rows = created(scope).filter(contacts__isnull=True)
    return {"included": RowSet(rows, columns.DEAL, "Deals without a contact", dated_by="opened_at")}


def _unassigned(scope: Scope) -> Parts:
    rows = captured(scope).unassigned()  # type: ignore[attr-defined]
    left = rows.filter(stage__in=(Stage.DISQUALIFIED, Stage.CUSTOMER))
    return {
        "included": RowSet(
            rows.exclude(stage__in=(Stage.DISQUALIFIED, Stage.CUSTOMER)),
            columns.LEAD,
            "Leads without an owner",
            dated_by="captured_at",
        ),
        "excluded_ended": RowSet(left, columns.LEAD, "Disqualified or a customer: nobody needs to work on them"),
    }


def _no_email(scope: Scope) -> Parts:
    rows = captured(scope).filter(email__isnull=True)
    return {"included": RowSet(rows, columns.LEAD, "Leads without an email address", dated_by="captured_at")}


register(
    Definition(
        key="quality.missing_contacts",
        version=1,
        name="Deals without contacts",
        unit="count",
        formula="number of opportunities opened in the period that name no contact",
        meaning="Nobody's touchpoints can be followed to such a deal: its revenue stays unattributed.",
        parts=_missing_contacts,
        better="down",
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="quality.unassigned",
        version=1,
        name="Leads without an owner",
        unit="count",
        formula="number of leads captured in the period that no rep owns",
        meaning="No rep assigned. The catch-all territory should leave none.",
        parts=_unassigned,
        better="down",
        filters=selection.BY_LEAD,
    )
)
register(
    Definition(
        key="quality.no_email",
        version=1,
        name="Leads without an email",
        unit="count",
        formula="number of leads captured in the period without an email address",
        meaning="Known by an external id only; duplicates among them are hard to find, and no email reaches them.",
        parts=_no_email,
        better="down",
        filters=selection.BY_LEAD,
    )
)
