"""Background work of the leads app: sweeps that find what a lost message left behind."""

from __future__ import annotations

from time import monotonic

import structlog
from celery import shared_task
from django.utils import timezone

from leads.actions.answer_once import forget_answers
from leads.actions.bulk.run_bulk import run_bulks
from leads.actions.capture.suppress import apply_late_suppressions
from leads.actions.capture.take_submissions import take_submissions
from leads.actions.capture.trace_mails import forget_traces
from leads.actions.channels.reclassify_touches import reclassify_touches
from leads.actions.handover.return_recycled import return_recycled
from leads.actions.identity.find_duplicates import find_duplicates
from leads.actions.imports.rows import import_rows, unfinished_imports
from leads.actions.intake import finish_intake
from leads.actions.notifications.deliver import send_emails
from leads.actions.notifications.watch import watch
from leads.actions.routing.carry_out_transfer import carry_out_transfers
from leads.actions.routing.reroute_leads import reroute_leads
from leads.actions.routing.simulate_rules import simulate_rules
from leads.actions.routing.take_over_leads import take_over_leads
from leads.actions.routing.undo_transfer import undo_transfers
from leads.actions.routing.version_rules import activate_due_version
from leads.actions.scoring.back_test import run_back_tests
from leads.actions.scoring.decay_scores import decay_scores
from leads.actions.scoring.rescore_leads import rescore_leads, rescoring_waits
from leads.actions.scoring.version_scoring import activate_due
from leads.actions.web_forms.confirm_sign_up import send_confirmations
from leads.actions.web_forms.link_visits import LOOK_BACK, link_visits
from leads.actions.web_forms.record_views import forget_page_views
from leads.actions.workflows.advance import advance_enrollments
from leads.actions.workflows.enroll import enroll_triggered, forget_refusals
from leads.actions.workflows.reach_goals import end_reached
from leads.actions.workflows.send_mails import send_workflow_mails
from leads.actions.workflows.version_workflow import activate_due_workflows

log = structlog.get_logger(__name__)
_nudged: dict[str, float] = {}
"""When this process last asked for what."""


@shared_task
def sweep_intake() -> int:
    """Take what was promised, link visits, and finish the intake of leads that are due.

    First of all hand on those whose owner has left.
    """
    at = timezone.now()
    take_over_leads(at=at)
    take_submissions(at=at)
    link_visits(at=at, since=at - LOOK_BACK)
    return finish_intake(at=at)


@shared_task
def sweep_transfers() -> int:
    """Carry out transfers that wait, or undo them; also those whose worker died."""
    return carry_out_transfers(clock=timezone.now) + undo_transfers(clock=timezone.now)


@shared_task
def sweep_opt_outs() -> int:
    """Tell leads of opt-outs that came in the moment in which they were captured."""
    return apply_late_suppressions(at=timezone.now())


@shared_task
def look_for_duplicates() -> int:
    """Look among the leads that changed for those that may be one person."""
    return find_duplicates()


@shared_task
def confirm_sign_ups() -> int:
    """Send the mails that ask whether a sign-up was meant."""
    return send_confirmations(at=timezone.now())


@shared_task
def tidy_visits() -> int:
    """Link visits that a sweep missed, and forget old page views of nobody and what was traced of old mails."""
    at = timezone.now()
    link_visits(at=at)
    forget_traces(at=at)
    return forget_page_views(at=at)


@shared_task
def sweep_routing() -> int:
    """Activate the rules whose moment has come; simulate drafts and re-assign leads where somebody asked for it."""
    activate_due_version(at=timezone.now())
    return simulate_rules(clock=timezone.now) + reroute_leads(clock=timezone.now)


@shared_task
def return_recycled_leads() -> int:
    """Bring back recycled leads whose day has come."""
    return return_recycled(at=timezone.now())


@shared_task
def run_bulk_actions() -> int:
    """Do what people asked for with many leads, and take it back."""
    return run_bulks(clock=timezone.now)


@shared_task
def run_workflows() -> int:
    """Enroll leads whose trigger happened, take the steps that are due, and send emails; returns how many steps."""
    activate_due_workflows(at=timezone.now())
    end_reached(at=timezone.now())  # before the next line notes what was looked at
    enroll_triggered(at=timezone.now())
    advanced = advance_enrollments(at=timezone.now())
    send_workflow_mails(at=timezone.now())
    return advanced


@shared_task
def sweep_imports() -> int:
    """Take in the rows of imports that wait or whose worker died."""
    waiting = unfinished_imports(at=timezone.now())
    for run_id in waiting:
        import_rows(run_id=run_id, at=timezone.now())
    return len(waiting)


@shared_task
def apply_channel_rules() -> int:
    """Apply the channel rules to past touches where somebody asked for it; returns how many changed."""
    return reclassify_touches(clock=timezone.now)


@shared_task
def keep_scores() -> int:
    """Activate scoring rules that are due, score leads by new ones, and let scores decay with the company day."""
    activate_due(at=timezone.now())
    rescore_leads(clock=timezone.now)
    if rescoring_waits():
        nudge_scores()  # the next turn, behind what waits for a worker now
    return decay_scores(at=timezone.now())


@shared_task
def try_scoring_rules() -> int:
    """Try scoring rules on past leads where somebody asked for it; returns how many leads were tried."""
    return run_back_tests(clock=timezone.now)


@shared_task
def forget_old_answers() -> int:
    """Forget idempotent answers older than 24 hours, and why leads were not enrolled 90 days ago."""
    forget_refusals(at=timezone.now())
    return forget_answers(at=timezone.now())


@shared_task
def notify_people() -> int:
    """Tell people what concerns them, and send what goes by e-mail; returns how many mails went out."""
    watch(at=timezone.now())
    return send_emails(at=timezone.now())


def nudge_bulk() -> None:
    """Ask a worker to look after bulk actions now. Only a hint, as below."""
    try:
        run_bulk_actions.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_imports() -> None:
    """Ask a worker to look after imports now. Only a hint, as below."""
    try:
        sweep_imports.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_routing() -> None:
    """Ask a worker to look after routing now. Only a hint, as below."""
    try:
        sweep_routing.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_transfers() -> None:
    """Ask a worker to look after transfers now. Only a hint, as below."""
    try:
        sweep_transfers.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_scores() -> None:
    """Ask a worker to score leads by new rules now. Only a hint, as below."""
    try:
        keep_scores.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_back_tests() -> None:
    """Ask a worker to try scoring rules now. Only a hint, as below."""
    try:
        try_scoring_rules.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_reclassify() -> None:
    """Ask a worker to look after past touches now. Only a hint, as below."""
    try:
        apply_channel_rules.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)


def nudge_intake() -> None:
    """Ask a worker to sweep now. Only a hint: without a broker the next sweep finds the work.

    Once a second says as much as a thousand times.
    """
    now = monotonic()
    if now - _nudged.get("intake", -1.0) < 1:
        return
    _nudged["intake"] = now
    try:
        sweep_intake.apply_async(retry=False, expires=60)
    except Exception as error:
        log.warning("nudge_failed", error=type(error).__name__)
