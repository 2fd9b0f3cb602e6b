"""Sentences of triggers and steps, and moments at which emails may go out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from leads.pure.calendar import BusinessHours
from leads.pure.workflows.definition import Names, StepKind, Trigger, mail_moment, step_sentence, trigger_sentence

NAMES = Names(people={"7": "Rita"}, forms={"f": "Demo request"}, stages={"mql": "MQL", "sal": "SAL"},
              reasons={"no_budget": "No budget"})  # fmt: skip
BERLIN = BusinessHours(ZoneInfo("Europe/Berlin"), holidays=frozenset([date(2026, 11, 18)]))


@pytest.mark.parametrize(
    ("trigger", "settings", "said"),
    [
        (Trigger.CAPTURED, {}, "When a lead is created"),
        (Trigger.STAGE, {"stages": ["mql", "sal"]}, "When a lead reaches MQL or SAL"),
        (Trigger.SCORE, {"score": 60}, "When a lead's score reaches 60"),
        (Trigger.FORM, {"web_forms": ["f"]}, "When somebody sends “Demo request”"),
        (Trigger.FORM, {"web_forms": []}, "When somebody sends any form"),
        (Trigger.REJECTED, {"reasons": ["no_budget"]}, "When sales rejects a lead because of no budget"),
        (Trigger.DATE, {"date": "created", "days": 1}, "1 day after the day the lead was created"),
        (Trigger.DATE, {"date": "attribute:contract_end", "days": -30}, "30 days before the date in “contract end”"),
    ],
)
def test_triggers_in_words(trigger: Trigger, settings: dict[str, object], said: str) -> None:
    assert trigger_sentence(trigger, settings, NAMES) == said


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (StepKind.WAIT, {"amount": 1, "unit": "business_days"}, "Wait 1 business day"),
        (StepKind.FOLLOW_UP, {"kind": "call", "hours": 0}, "Plan a follow-up by call, due at once"),
        (StepKind.NOTIFY, {"to": "owner", "text": "Look"}, "Notify the lead's owner: Look"),
        (StepKind.NOTIFY, {"to": "user:8", "text": "Look"}, "Notify somebody who is not here any more: Look"),
        (StepKind.REASSIGN, {"to": "user:7"}, "Reassign to Rita"),
        (StepKind.REASSIGN, {"to": "rules"}, "Reassign to the next rep by the territory rules"),
        (StepKind.STAGE, {"stage": "mql"}, "Change the lifecycle stage to MQL"),
    ],
)
def test_steps_in_words(kind: StepKind, settings: dict[str, object], said: str) -> None:
    assert step_sentence(kind, settings, NAMES) == said


@pytest.mark.parametrize(
    ("at", "is_business", "moment"),
    [
        (datetime(2026, 11, 17, 12, tzinfo=UTC), True, datetime(2026, 11, 17, 12, tzinfo=UTC)),
        (datetime(2026, 11, 17, 20, tzinfo=UTC), True, datetime(2026, 11, 19, 7, tzinfo=UTC)),  # the 18th is a holiday
        (datetime(2026, 11, 17, 20, tzinfo=UTC), False, datetime(2026, 11, 18, 7, tzinfo=UTC)),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), True, datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), False, datetime(2026, 11, 21, 12, tzinfo=UTC)),
    ],
)
def test_emails_wait_for_the_end_of_quiet_hours(at: datetime, is_business: bool, moment: datetime) -> None:
    assert mail_moment(at, BERLIN, time(8), time(20), business_days=is_business) == moment


def test_the_same_time_twice_means_no_quiet_hours() -> None:
    at = datetime(2026, 11, 17, 23, 30, tzinfo=UTC)
    assert mail_moment(at, BERLIN, time(8), time(8), business_days=False) == at
