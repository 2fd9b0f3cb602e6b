"""What starts a workflow and what its steps do, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from leads.pure.calendar import BusinessHours, NeverOpen, due_at, next_start
from leads.pure.conditions.grammar import Group

Settings = Mapping[str, Any]


class Trigger(StrEnum):
    """What starts a workflow for a lead."""

    CAPTURED = "captured"
    STAGE = "stage"
    SCORE = "score"
    ASSIGNED = "assigned"
    FORM = "form"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    DATE = "date"


TRIGGERS: dict[Trigger, tuple[str, str]] = {
    Trigger.CAPTURED: ("Lead created", "A person becomes known for the first time, by whatever way."),
    Trigger.STAGE: ("Lifecycle stage reached", "A lead passes to one of the stages you choose."),
    Trigger.SCORE: ("Score reached", "A lead's score rises to a number, or above it."),
    Trigger.ASSIGNED: ("Lead assigned", "A lead gets an owner, or another owner."),
    Trigger.FORM: ("Form sent", "Somebody sends a form, signs up or registers."),
    Trigger.NO_ANSWER: ("Sales SLA missed", "An MQL was not answered by the time of the Sales SLA."),
    Trigger.REJECTED: ("Lead rejected", "Sales rejects, recycles or disqualifies a lead with a reason."),
    Trigger.DATE: ("Date", "So many days before or after a date of the lead."),
}
"""Label and explanation of each trigger."""


class StepKind(StrEnum):
    """What a step does."""

    WAIT = "wait"
    BRANCH = "branch"
    EMAIL = "email"
    FOLLOW_UP = "follow_up"
    NOTIFY = "notify"
    STAGE = "stage"
    REASSIGN = "reassign"
    CAMPAIGN = "campaign"
    WEBHOOK = "webhook"


STEPS: dict[StepKind, tuple[str, str]] = {
    StepKind.EMAIL: ("Send an email", "To the lead, from a template. Not sent to people who unsubscribed."),
    StepKind.WAIT: ("Wait", "So many hours or days, in business time or by the clock."),
    StepKind.BRANCH: ("Branch", "Other steps for leads that meet conditions than for those that do not."),
    StepKind.FOLLOW_UP: ("Plan a follow-up", "A call, email or meeting for the owner, due in business hours."),
    StepKind.NOTIFY: ("Notify", "The owner, a role or a person, in the portal and by the channels they chose."),
    StepKind.STAGE: ("Change the lifecycle stage", "Where the lifecycle allows it from the lead's present stage."),
    StepKind.REASSIGN: ("Reassign", "To a person, or to the next rep by the territory rules."),
    StepKind.CAMPAIGN: ("Add to a campaign", "As a member, from whom a response is awaited."),
    StepKind.WEBHOOK: ("Send a webhook", "Tells another system of the lead, signed and with retries."),
}
"""Label and explanation of each kind of step."""

UNITS = {
    "business_hours": "business hours",
    "business_days": "business days",
    "hours": "hours",
    "days": "days",
}
DATES = {
    "created": "the day the lead was created",
    "webinar": "the start of a webinar they registered for",
    "comes_back": "the day a recycled lead comes back",
}
"""Dates that a workflow can go by, besides attributes that hold a date."""
MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Names:
    """Names of what settings refer to by id: people, forms, campaigns, endpoints of webhooks."""

    people: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    campaigns: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def trigger_sentence(trigger: str, settings: Settings, names: Names) -> str:
    """When it starts, without a full stop: "When a lead passes to MQL or SAL"."""
    match trigger:
        case Trigger.STAGE:
            return f"When a lead reaches {_any(names.stages.get(each, each) for each in settings.get('stages', ()))}"
        case Trigger.SCORE:
            return f"When a lead's score reaches {settings.get('score', 0)}"
        case Trigger.ASSIGNED:
            return "When a lead gets another owner"
        case Trigger.FORM:
            chosen = [f"“{names.forms.get(each, 'a deleted form')}”" for each in settings.get("web_forms", ())]
            return f"When somebody sends {_any(chosen) if chosen else 'any form'}"
        case Trigger.NO_ANSWER:
            return "When an MQL was not answered within the Sales SLA"
        case Trigger.REJECTED:
            chosen = [names.reasons.get(each, each).lower() for each in settings.get("reasons", ())]
            return f"When sales rejects a lead{f' because of {_any(chosen)}' if chosen else ''}"
        case Trigger.DATE:
            return f"{_days(int(settings.get('days', 0)))} {date_label(str(settings.get('date', '')))}"
        case _:
            return "When a lead is created"


def date_label(key: str) -> str:
    """A date of a lead in words."""
    name = key.removeprefix("attribute:").replace("_", " ")
    return DATES.get(key, f"the date in “{name}”")


def _days(days: int) -> str:
    if not days:
        return "On"
    return f"{abs(days)} {'day' if abs(days) == 1 else 'days'} {'before' if days < 0 else 'after'}"


def _any(values: Iterable[str]) -> str:
    listed = list(values)
    return " or ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def step_sentence(kind: str, settings: Settings, names: Names, said: str = "") -> str:
    """What a step does, without a full stop; ``said`` is the sentence of a branch's conditions."""
    match kind:
        case StepKind.WAIT:
            amount, unit = settings.get("amount", 0), UNITS.get(str(settings.get("unit")), "")
            return f"Wait {amount} {unit[:-1] if amount == 1 else unit}"
        case StepKind.BRANCH:
            return f"If {said}"
        case StepKind.EMAIL:
            return f"Send the email “{settings.get('subject', '')}”"
        case StepKind.FOLLOW_UP:
            hours = settings.get("hours", 0)
            within = f"within {hours} business hour{'' if hours == 1 else 's'}" if hours else "at once"
            return f"Plan a follow-up by {settings.get('kind', 'call')}, due {within}"
        case StepKind.NOTIFY:
            return f"Notify {recipient_label(str(settings.get('to', '')), names)}: {settings.get('text', '')}"
        case StepKind.STAGE:
            stage = str(settings.get("stage", ""))
            return f"Change the lifecycle stage to {names.stages.get(stage, stage)}"
        case StepKind.REASSIGN:
            to = str(settings.get("to", ""))
            who = "the next rep by the territory rules" if to == "rules" else recipient_label(to, names)
            return f"Reassign to {who}"
        case StepKind.CAMPAIGN:
            return f"Add to the campaign “{names.campaigns.get(str(settings.get('campaign')), 'a deleted campaign')}”"
        case StepKind.WEBHOOK:
            endpoint = names.endpoints.get(str(settings.get("endpoint")), "an endpoint that is not here any more")
            return f"Send a webhook to {endpoint}"
        case _:
            return kind


ROLES = {
    "role:sales_leader": "all sales leaders",
    "role:marketing_director": "all marketing directors",
    "role:admin": "all admins",
}


def recipient_label(to: str, names: Names) -> str:
    """Whom "owner", "role:…" or "user:…" means."""
    if to == "owner":
        return "the lead's owner"
    return ROLES.get(to) or names.people.get(to.removeprefix("user:"), "somebody who is not here any more")


def wait_until(settings: Settings, at: datetime, hours: BusinessHours) -> datetime:
    """When a wait that begins ``at`` is over. Business days are as many working days' worth of hours."""
    amount = float(settings["amount"])
    match settings["unit"]:
        case "hours":
            return at + timedelta(hours=amount)
        case "days":
            return at + timedelta(days=amount)
        case "business_days":
            amount *= _hours_of_a_day(hours)
    try:
        return due_at(at, amount, hours)
    except NeverOpen:
        return at


def _hours_of_a_day(hours: BusinessHours) -> float:
    opens, closes = hours.opens, hours.closes
    minutes = (closes.hour * 60 + closes.minute or 24 * 60) - (opens.hour * 60 + opens.minute)
    return minutes / 60


def mail_moment(at: datetime, hours: BusinessHours, opens: time, closes: time, *, business_days: bool) -> datetime:
    """The first moment from ``at`` on at which emails may go out: ``at`` itself outside quiet hours."""
    if opens == closes:  # no quiet hours
        opens, closes = time(0), time(0)
    days = hours.weekdays if business_days else frozenset(range(7))
    closed = hours.holidays if business_days else frozenset()
    country = hours.country if business_days else ""
    window = BusinessHours(hours.tz, days, opens, closes, closed, country, hours.region if country else "")
    return next_start(at, window) or at


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow as it is filled in: trigger, who is let in, what ends it, and the rules for emails and hold-outs."""

    trigger: Trigger
    settings: Settings = field(default_factory=dict)
    conditions: Group = field(default_factory=Group)
    goal: Group = field(default_factory=Group)
    again_after_days: int | None = None
    mails_from: time = time(8)
    mails_until: time = time(20)
    on_business_days: bool = True
    hold_out_percent: int = 0
    hold_out_unit: str = "person"
