"""Ready workflows: what teams of marketing and sales set up first. Each becomes a draft that an admin adapts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from leads.pure.conditions.grammar import Condition, Group, to_json
from leads.pure.conditions.properties import NO, Operator
from leads.pure.workflows.definition import Definition, Settings, StepKind, Trigger


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to be made, with those on the sides of a branch."""

    kind: StepKind
    settings: Settings
    yes: Sequence[Planned] = ()
    no: Sequence[Planned] = ()


@dataclass(frozen=True, slots=True)
class ReadyWorkflow:
    """A workflow that comes with the portal."""

    key: str
    name: str
    about: str
    definition: Definition
    steps: Sequence[Planned] = field(default_factory=list)


def _wait(amount: int, unit: str) -> Planned:
    return Planned(StepKind.WAIT, {"amount": amount, "unit": unit})


def _mail(subject: str, *paragraphs: str) -> Planned:
    return Planned(StepKind.EMAIL, {"subject": subject, "body": "\n\n".join((_HELLO, *paragraphs, _BYE))})


def _notify(to: str, text: str) -> Planned:
    return Planned(StepKind.NOTIFY, {"to": to, "text": text})


def _call(hours: int) -> Planned:
    return Planned(StepKind.FOLLOW_UP, {"kind": "call", "hours": hours})


def _branch(group: Group, yes: Sequence[Planned], no: Sequence[Planned] = ()) -> Planned:
    return Planned(StepKind.BRANCH, {"conditions": to_json(group)}, yes, no)


def _did(days: int, *kinds: str) -> Group:
    return Group(
        tuple(Condition(f"event:{kind}", Operator.HAPPENED, low=1, days=days) for kind in kinds),
        "any" if len(kinds) > 1 else "all",
    )


def _stage(*stages: str) -> Condition:
    return Condition("stage", Operator.IS, stages)


_HELLO = "Hello {{ lead.first_name | default: 'there' }},"
_BYE = "Best regards,\n{% if owner.name != '' %}{{ owner.name }}, {% endif %}{{ company.name }}"
_MAILABLE = Condition("is_unsubscribed", Operator.IS, (NO,))
_WITH_SALES = ("sal", "sql", "opportunity", "customer")

READY: dict[str, ReadyWorkflow] = {
    each.key: each
    for each in (
        ReadyWorkflow(
            "webinar",
            "Webinar follow-up",
            "Thanks those who came and sends the recording to those who did not; sales calls who is interested.",
            Definition(
                Trigger.DATE,
                {"date": "webinar", "days": 1},
                conditions=Group((_MAILABLE,)),
                goal=Group((_stage("opportunity", "customer"),)),
                again_after_days=7,
            ),
            [
                _branch(
                    _did(3, "webinar_attendance"),
                    [
                        _mail(
                            "Thank you for joining our webinar",
                            "thank you for your time yesterday. Just answer this email if a question came to you "
                            "afterwards: we read every answer.",
                            "Would it help to see it with your own data? Tell us a day that suits you.",
                        ),
                        _notify("owner", "Attended the webinar"),
                    ],
                    [
                        _mail(
                            "Sorry we missed you: the recording",
                            "you registered for our webinar and something came up. That happens to all of us.",
                            "Answer this email and we send you the recording, or a seat at the next date.",
                        )
                    ],
                ),
                _wait(2, "business_days"),
                _branch(_did(4, "email_click", "email_reply"), [_call(8)]),
            ],
        ),
        ReadyWorkflow(
            "recycling",
            "Lead recycling",
            "Writes to leads whom sales put off, and brings back who shows interest again.",
            Definition(
                Trigger.REJECTED,
                {"reasons": ["bad_timing", "no_budget", "unreachable"]},
                conditions=Group((_MAILABLE,)),
                goal=Group((_stage("mql", *_WITH_SALES),)),
                again_after_days=90,
            ),
            [
                _wait(14, "days"),
                _mail(
                    "Has your timing changed?",
                    "when we last talked it was not the right moment. Plans change, so I would like to ask again.",
                    "One line is enough: now, in spring, or not at all. Each of the three helps.",
                ),
                _wait(5, "business_days"),
                _branch(
                    _did(12, "email_click", "email_reply", "form_submission", "webinar_registration"),
                    [
                        Planned(StepKind.STAGE, {"stage": "lead"}),
                        _notify("owner", "A recycled lead is interested again"),
                    ],
                ),
            ],
        ),
        ReadyWorkflow(
            "sla",
            "Sales SLA escalation",
            "Reminds the owner of an MQL that waits too long, then tells the sales leaders, then reassigns.",
            Definition(
                Trigger.NO_ANSWER,
                goal=Group((Condition("stage", Operator.IS_NOT, ("mql",)),)),
                again_after_days=7,
            ),
            [
                _notify("owner", "Please answer: the Sales SLA is missed"),
                _wait(2, "business_hours"),
                _notify("role:sales_leader", "Not answered two hours after the Sales SLA"),
                _wait(4, "business_hours"),
                Planned(StepKind.REASSIGN, {"to": "rules"}),
                _notify("owner", "Reassigned to you: please call today"),
            ],
        ),
        ReadyWorkflow(
            "new_mql",
            "Introduction to new MQLs",
            "An email from the owner on the day somebody becomes an MQL, and a call if there is no answer.",
            Definition(
                Trigger.STAGE,
                {"stages": ["mql"]},
                conditions=Group((_MAILABLE, Condition("owner", Operator.KNOWN))),
                goal=Group((_stage(*_WITH_SALES),)),
                again_after_days=180,
            ),
            [
                _wait(1, "business_hours"),
                _mail(
                    "Your contact at {{ company.name }}",
                    "I look after {% if lead.company != '' %}{{ lead.company }}{% else %}you{% endif %} here. "
                    "When would be a good moment for a short call this week?",
                ),
                _wait(2, "business_days"),
                _branch(_did(5, "email_reply"), [_notify("owner", "Answered your introduction")], [_call(4)]),
            ],
        ),
        ReadyWorkflow(
            "nurture",
            "Nurture after a form",
            "Three emails for people who sent a form and are not with sales yet. A tenth is held out.",
            Definition(
                Trigger.FORM,
                {"web_forms": []},
                conditions=Group((_MAILABLE, _stage("subscriber", "lead"))),
                goal=Group((_stage("mql", *_WITH_SALES),)),
                hold_out_percent=10,
            ),
            [
                _wait(1, "hours"),
                _mail(
                    "Thank you for your interest",
                    "{% if form.name != '' %}we received your request “{{ form.name }}”. {% endif %}"
                    "Here is what others in your place found useful first: start with one question you cannot answer "
                    "today.",
                ),
                _wait(3, "business_days"),
                _mail(
                    "How others began",
                    "most teams begin with one report that two departments disagree about. Which one is it for you?",
                ),
                _wait(5, "business_days"),
                _mail("Shall we talk?", "if it would help to talk it through, answer this email with a day."),
            ],
        ),
        ReadyWorkflow(
            "hot",
            "Hot lead alert",
            "Tells the owner as soon as a lead's score is high, and plans a call for the same day.",
            Definition(
                Trigger.SCORE,
                {"score": 70},
                conditions=Group((Condition("owner", Operator.KNOWN), _stage("lead", "mql", "sal"))),
                again_after_days=30,
            ),
            [_notify("owner", "Score is high: call today"), _call(2)],
        ),
    )
}
