"""Which tables tell the history of a record, and what their rows and columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Field, Model

from leads.models import (
    Account,
    Activity,
    Assignment,
    Campaign,
    CampaignCost,
    ChatDestination,
    Consent,
    FollowUp,
    Lead,
    LeadMerge,
    LeadScore,
    LifecyclePassage,
    NotificationPreference,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Qualification,
    Recycling,
    Touchpoint,
    User,
    WebhookEndpoint,
)

# Columns that say nothing to people: keys, and moments that only keep the books.
_UNTOLD = frozenset({"id", "public_id", "changed_at", "recorded_at", "created_at", "intake_due_at", "dedupe_key"})
_LABELS = {
    "email": "Email",
    "external_id": "External ID",
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
    "utm_campaign": "UTM campaign",
    "utm_term": "UTM term",
    "utm_content": "UTM content",
    "amount_cents": "Amount",
    "budget_cents": "Budget",
    "reporting_cents": "Amount in company currency",
    "is_unsubscribed": "Unsubscribed",
    "is_inferred": "Inferred",
    "is_primary": "Primary contact",
    "is_discovered": "Found in a link",
    "because": "Reason",
    "exclusion": "Earns no credit",
    "captured_at": "Created",
    "visitor_id": "Browser",
    "passed_at": "Date",
    "assigned_at": "Date",
    "scored_at": "Date",
    "behaviour": "Behavior",
    "occurred_at": "Date",
    "merged_at": "Date",
    "by_id": "By",
    "is_on": "On",
    "url": "Address",
    "former_until": "Former secret signs until",
    "kinds": "Notifications",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A table whose rows belong to a record by one of ``owners``.

    ``named`` are the columns that tell its rows apart; ``only`` leaves all other columns out.
    """

    key: str
    noun: str
    model: type[Model]
    owners: tuple[str, ...]
    named: tuple[str, ...] = ()
    untold: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    is_itself: bool = False

    @property
    def fields(self) -> Mapping[str, Field[Any, Any]]:
        """The fields that are told, by column."""
        columns = {str(each.column): each for each in self.model._meta.local_concrete_fields}
        return {
            column: each
            for column, each in columns.items()
            if column not in _UNTOLD | self.untold and (not self.only or column in self.only)
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record with a history: its word in addresses, and the tables that tell it, itself first.

    Histories of settings are for admins alone.
    """

    key: str
    noun: str
    model: type[Model]
    parts: tuple[Part, ...] = field(default=())
    is_for_admins: bool = False


def label(column: str, each: Field[Any, Any]) -> str:
    """What people call a column."""
    words = str(each.verbose_name).removeprefix("is ")
    return _LABELS.get(column) or words[:1].upper() + words[1:]


def _itself(key: str, noun: str, model: type[Model]) -> Part:
    return Part(key, noun, model, ("id",), is_itself=True)


_COSTS = Part("cost", "Cost", CampaignCost, ("campaign_id",), ("spent_on", "source"), frozenset({"campaign_id"}))
KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            "lead",
            "Lead",
            Lead,
            (
                _itself("lead", "Lead", Lead),
                Part("stage", "Stage change", LifecyclePassage, ("lead_id",), ("to_stage",)),
                Part("score", "Score", LeadScore, ("lead_id",), ("total",), frozenset({"reasons"})),
                Part("assignment", "Assignment", Assignment, ("lead_id",), ("owner_id",), frozenset({"rotation"})),
                Part("follow_up", "Follow-up", FollowUp, ("lead_id",), ("kind", "due_at")),
                Part("qualification", "Qualification", Qualification, ("lead_id",), ("qualified_at",)),
                Part("recycling", "Recycled until", Recycling, ("lead_id",), ("comes_back_on",)),
                Part("activity", "Activity", Activity, ("lead_id",), ("kind", "occurred_at")),
                Part("consent", "Consent", Consent, ("lead_id",), ("basis",)),
                Part("touch", "Touchpoint", Touchpoint, ("lead_id",), ("kind", "occurred_at")),
                Part(
                    "merge",
                    "Merge",
                    LeadMerge,
                    ("survivor_id", "loser_id"),
                    ("loser_id",),
                    frozenset({"before", "after", "lost", "moved"}),
                ),
                Part("deal_role", "Part in a deal", OpportunityContact, ("lead_id",), ("opportunity_id",)),
            ),
        ),
        Kind(
            "account",
            "Account",
            Account,
            (
                _itself("account", "Account", Account),
                Part("deal", "Deal", Opportunity, ("account_id",), ("name",), only=frozenset({"account_id"})),
                Part(
                    "lead",
                    "Lead",
                    Lead,
                    ("account_id",),
                    ("first_name", "last_name", "email"),
                    only=frozenset({"account_id"}),
                ),
            ),
        ),
        Kind(
            "deal",
            "Deal",
            Opportunity,
            (
                _itself("deal", "Deal", Opportunity),
                Part("contact", "Contact", OpportunityContact, ("opportunity_id",), ("lead_id",)),
                Part(
                    "stage",
                    "Stage history",
                    OpportunityChange,
                    ("opportunity_id",),
                    ("stage_id", "changed_at"),
                    frozenset({"source_key"}),
                ),
            ),
        ),
        Kind("campaign", "Campaign", Campaign, (_itself("campaign", "Campaign", Campaign), _COSTS)),
        Kind("campaign-costs", "Costs of campaign", Campaign, (_COSTS,)),
        Kind(
            "recipient",
            "Notifications",
            User,
            (
                Part(
                    "preference",
                    "Notification",
                    NotificationPreference,
                    ("user_id",),
                    ("kind", "channel"),
                    frozenset({"user_id"}),
                ),
            ),
            is_for_admins=True,
        ),
        Kind(
            "chat-channel",
            "Chat channel",
            ChatDestination,
            (
                replace(
                    _itself("chat-channel", "Chat channel", ChatDestination),
                    untold=frozenset({"posted_at", "last_error", "url", "created_by_id"}),
                ),
            ),
            is_for_admins=True,
        ),
        Kind(
            "webhook-endpoint",
            "Webhook endpoint",
            WebhookEndpoint,
            (
                replace(
                    _itself("webhook-endpoint", "Webhook endpoint", WebhookEndpoint),
                    untold=frozenset({"secret", "former_secret", "failing_since", "delivered_at", "created_by_id"}),
                ),
            ),
            is_for_admins=True,
        ),
    )
}
