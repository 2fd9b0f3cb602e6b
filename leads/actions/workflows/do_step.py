"""What each kind of step does for a lead: rows in the transaction of whoever calls. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from leads.actions.campaigns.add_members import add_members
from leads.actions.notifications.notify import notify
from leads.actions.pass_stage import pass_stage
from leads.actions.routing.carry_out_transfer import carry_out_at_once
from leads.actions.routing.request_transfer import request_transfer
from leads.actions.webhooks.record_events import News, record_event
from leads.models import (
    Campaign,
    Company,
    Enrollment,
    FollowUp,
    Lead,
    LeadEvent,
    Role,
    StepRun,
    TerritoryRep,
    Transfer,
    User,
    WebhookEndpoint,
    Workflow,
    WorkflowMail,
    WorkflowStep,
    WorkflowVersion,
)
from leads.past.acting import Door, act
from leads.pure.calendar import NeverOpen, due_at
from leads.pure.refused import Refused
from leads.pure.webhooks import WORKFLOW
from leads.pure.workflows.definition import Settings, StepKind, mail_moment
from leads.pure.workflows.templates import compose
from leads.queries.answers import lead_data, told_leads
from leads.queries.calendar import hours_of
from leads.queries.mail import opt_outs
from leads.queries.transfers import plan_transfer
from leads.queries.workflows.names import template_values

Outcome = StepRun.Outcome


class NotDone(Refused):
    """The step was left out; the message says why."""


@dataclass(slots=True)
class Turn:
    """One lead at one step: who, where, when. ``lead`` comes locked, with its owner."""

    enrollment: Enrollment
    version: WorkflowVersion
    lead: Lead
    step: WorkflowStep
    company: Company
    at: datetime

    @property
    def settings(self) -> Settings:
        settings: Settings = self.step.settings
        return settings

    @property
    def source(self) -> str:
        """How rows say that the workflow did it."""
        return f"workflow “{self.version.workflow.name}”"

    @property
    def key(self) -> str:
        """The same for every try of this step for this enrollment."""
        return f"workflow:{self.enrollment.pk}:{self.step.pk}"


Do = Callable[[Turn], str]


def by_workflow(workflow: Workflow) -> AbstractContextManager[None]:
    """A block whose changes the workflow makes."""
    return act(Door.RULE, source=f"workflow {workflow.pk}", because=f"Workflow “{workflow.name}”")


def do_step(turn: Turn) -> tuple[str, str]:
    """Do a step; returns its outcome and what to say of it. A refusal leaves the step out and is no error."""
    try:
        with transaction.atomic():
            return Outcome.DONE, _DO[StepKind(turn.step.kind)](turn)[:400]
    except NotDone as why:
        return Outcome.SKIPPED, str(why)[:400]
    except Refused as why:
        return Outcome.FAILED, str(why)[:400]


def _email(turn: Turn) -> str:
    lead, version = turn.lead, turn.version
    if not lead.email:
        raise NotDone("The lead has no email address.")
    if refused := opt_outs([lead]).get(lead.pk):
        raise NotDone(f"No email may be sent: {refused.words}.")
    letter = compose(
        str(turn.settings["subject"]),
        str(turn.settings["body"]),
        template_values(lead, turn.company, _form(turn.enrollment)),
    )
    moment = mail_moment(
        turn.at,
        turn.company.hours,
        version.mails_from,
        version.mails_until,
        business_days=version.on_business_days,
    )
    WorkflowMail.objects.create(
        enrollment=turn.enrollment,
        step=turn.step,
        email=lead.email,
        reply_to=lead.owner.email if lead.owner and lead.owner.is_active else "",
        subject=letter.subject,
        text=letter.text,
        not_before=moment,
    )
    there = moment.astimezone(turn.company.tz)
    return f"“{letter.subject}”" + ("" if moment == turn.at else f", not before {there:%-d %b %Y, %H:%M}")


def _form(enrollment: Enrollment) -> str:
    """The form that somebody sent, as the reason of the enrollment quotes it."""
    before, quote, rest = enrollment.because.partition("“")
    return rest.partition("”")[0] if quote and before == "Sent " else ""


def _follow_up(turn: Turn) -> str:
    lead, kind = turn.lead, str(turn.settings["kind"])
    if lead.owner is None:
        raise NotDone("Nobody owns the lead.")
    if kind == FollowUp.Kind.EMAIL and (refused := opt_outs([lead]).get(lead.pk)):
        raise NotDone(f"No email may be sent: {refused.words}.")
    label = FollowUp.Kind(kind).label.lower()
    if FollowUp.objects.open().filter(lead=lead, kind=kind).exists():
        raise NotDone(f"There is an open follow-up of this kind ({label}) already.")
    try:
        calendar = hours_of([lead.owner.pk], turn.company)[lead.owner.pk]
        due = due_at(turn.at, float(turn.settings.get("hours", 0)), calendar)
    except NeverOpen:
        due = turn.at
    FollowUp.objects.create(
        lead=lead, owner=lead.owner, kind=kind, because=turn.source[:200], planned_at=turn.at, due_at=due
    )
    LeadEvent.objects.create(
        lead=lead,
        kind=LeadEvent.Kind.FOLLOW_UP_PLANNED,
        happened_at=turn.at,
        recorded_at=turn.at,
        details={"kind": kind, "due_at": due.isoformat()},
    )
    return f"A {label} for {lead.owner}, due {due.astimezone(turn.company.tz):%-d %b %Y, %H:%M}"


def _notify(turn: Turn) -> str:
    people = _people(str(turn.settings["to"]), turn.lead)
    if not people:
        raise NotDone("There is nobody to notify.")
    text = str(turn.settings["text"])
    company = f", {turn.lead.company}" if turn.lead.company else ""
    notify(
        kind="workflow",
        key=turn.key,
        title=f"{text}: {turn.lead.display_name}{company}",
        text=f"By {turn.source}. {turn.enrollment.because}",
        link=turn.lead.get_absolute_url(),
        to=people,
        at=turn.at,
    )
    return f"Told {', '.join(map(str, people))}"


def _people(to: str, lead: Lead) -> list[User]:
    if to == "owner":
        return [lead.owner] if lead.owner is not None and lead.owner.is_active else []
    active = User.objects.active().order_by("pk")
    if to.startswith("role:"):
        role = to.removeprefix("role:")
        return list(active.filter(role=role)) if role in Role.values else []
    return list(active.filter(public_id=to.removeprefix("user:")))


def _stage(turn: Turn) -> str:
    before = turn.lead.get_stage_display()
    passages = pass_stage(lead=turn.lead, to=str(turn.settings["stage"]), at=turn.at, because=turn.source)
    if not passages:
        raise NotDone(f"The lead is at {before} already.")
    # A stage brings a follow-up or another owner: the intake sees to that.
    Lead.objects.filter(pk=turn.lead.pk).update(intake_due_at=turn.at)
    return f"From {before} to {turn.lead.get_stage_display()}"


def _reassign(turn: Turn) -> str:
    lead, to = turn.lead, str(turn.settings["to"])
    found = _next_rep(turn) if to == "rules" else next(iter(_people(to, lead)), None)
    if found is None:
        raise NotDone("No other rep is available.")
    if found.pk == lead.owner_id:
        raise NotDone(f"{found} owns the lead already.")
    before = lead.owned_by
    transfer = request_transfer(
        way=Transfer.Way.PERSON, to=[found], reason=turn.source[:200], by=None, at=turn.at, lead_ids=[lead.pk]
    )
    carry_out_at_once(transfer=transfer, at=turn.at)
    lead.refresh_from_db(fields=["owner", "territory", "changed_at"])
    return f"From {before or 'nobody'} to {found}"


def _next_rep(turn: Turn) -> User | None:
    """Whose turn it is by the territory rules, the present owner left out."""
    leaving = [turn.lead.owner_id] if turn.lead.owner_id else []
    plan = plan_transfer(way=Transfer.Way.RULES, leads=[turn.lead], to=[], leaving=leaving, at=turn.at, is_locking=True)
    owner = plan.owners[turn.lead.pk]
    if plan.rota is not None and owner is not None:
        TerritoryRep.objects.bulk_update(plan.rota.moved(), ["credit"])
    return owner


def _campaign(turn: Turn) -> str:
    campaign = Campaign.objects.filter(public_id=str(turn.settings["campaign"])).first()
    if campaign is None:
        raise NotDone("The campaign is not there any more.")
    if not add_members(campaign=campaign, leads=[turn.lead], at=turn.at, because=turn.source):
        raise NotDone(f"The lead was added to “{campaign}” before.")
    return f"Member of “{campaign}”"


def _webhook(turn: Turn) -> str:
    endpoint = WebhookEndpoint.objects.active().filter(public_id=str(turn.settings["endpoint"])).first()
    if endpoint is None:
        raise NotDone("The endpoint is switched off, or not there any more.")
    lead = told_leads().get(pk=turn.lead.pk)
    data = {
        "workflow": {"id": str(turn.version.workflow.public_id), "name": turn.version.workflow.name},
        "enrollment": str(turn.enrollment.public_id),
        "lead": lead_data([lead])[0],
    }
    news = News(
        kind=WORKFLOW,
        key=turn.key,
        occurred_at=turn.at,
        data=data,
        lead_id=lead.pk,
        endpoint_ids=[endpoint.pk],
    )
    record_event(news=news, at=turn.at)
    return f"Queued for {endpoint}"


_DO: dict[StepKind, Do] = {
    StepKind.EMAIL: _email,
    StepKind.FOLLOW_UP: _follow_up,
    StepKind.NOTIFY: _notify,
    StepKind.STAGE: _stage,
    StepKind.REASSIGN: _reassign,
    StepKind.CAMPAIGN: _campaign,
    StepKind.WEBHOOK: _webhook,
}
"""By kind; waits and branches belong to whoever walks."""
