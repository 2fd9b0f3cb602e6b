"""Columns that row sets of the same kind share."""

from __future__ import annotations

from leads.figures.base import Column, Derived, Row

_NAMES = ("first_name", "last_name", "email", "external_id")


def _person(prefix: str = "") -> Column:
    """A lead by the best name we have, linked to its page."""

    def name(row: Row) -> str:
        first, last, email, external_id = (row[prefix + field] for field in _NAMES)
        return f"{first} {last}".strip() or email or f"Lead {external_id}"

    paths = tuple(prefix + field for field in _NAMES)
    link = f"{prefix}public_id"
    return Column(f"{prefix}who", "Lead", link="leads:lead-detail", link_by=link, derived=Derived(paths, name))


LEAD = (
    _person(),
    Column("company", "Company"),
    Column("stage", "Stage"),
    Column("channel__name", "First channel"),
    Column("campaign__name", "First campaign"),
    Column("owner__name", "Owner"),
    Column("captured_at", "Captured", "time"),
)
PASSAGE = (
    _person("lead__"),
    Column("lead__company", "Company"),
    Column("to_stage", "Became"),
    Column("passed_at", "When", "time"),
    Column("is_inferred", "Inferred"),
    Column("lead__channel__name", "First channel"),
    Column("lead__owner__name", "Owner"),
)
TOUCH = (
    _person("lead__"),
    Column("lead__company", "Company"),
    Column("kind", "Kind"),
    Column("name", "What"),
    Column("channel__name", "Channel"),
    Column("campaign__name", "Campaign"),
    Column("occurred_at", "When", "time"),
)
FOLLOW_UP = (
    _person("lead__"),
    Column("lead__company", "Company"),
    Column("kind", "Kind"),
    Column("owner__name", "Owner"),
    Column("planned_at", "Planned", "time"),
    Column("due_at", "Due", "time"),
    Column("done_at", "Done", "time"),
)
DEAL = (
    Column("name", "Opportunity", link="leads:opportunity-detail", link_by="public_id"),
    Column("reporting_cents", "Amount", "money"),
    Column("stage__name", "Stage"),
    Column("owner__name", "Owner"),
    Column("opened_at", "Opened", "date"),
    Column("closed_at", "Closed", "date"),
    Column("account__name", "Account"),
    Column("territory__name", "Territory"),
    Column("amount_cents", "In its currency", "money", currency_by="currency"),
)
DEAL_STOOD = (
    Column("name", "Opportunity", link="leads:opportunity-detail", link_by="public_id"),
    Column("stood_cents", "Amount then", "money"),
    Column("stood_stage_name", "Stage then"),
    Column("owner__name", "Owner"),
    Column("opened_at", "Opened", "date"),
    Column("closed_at", "Closed since", "date"),
    Column("account__name", "Account"),
    Column("territory__name", "Territory"),
    Column("stood_amount_cents", "In its currency", "money", currency_by="stood_currency"),
)
"""A deal as it stood at a moment, of `leads.figures.stood`."""

DEAL_DELETED = (*DEAL[:6], Column("deleted_at", "Deleted", "date"), *DEAL[6:])
"""A deal that its source deleted."""

COST = (
    Column("campaign__name", "Campaign"),
    Column("campaign__channel__name", "Channel"),
    Column("spent_on", "Day", "date"),
    Column("source", "Source"),
    Column("reporting_cents", "Cost", "money"),
    Column("amount_cents", "As billed", "money", currency_by="currency"),
)
