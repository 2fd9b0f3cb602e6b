"""Hold-outs: give each person or account its arm once, and find it again whatever becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from leads.models import HoldOutArm, Lead, WorkflowVersion
from leads.pure.workflows.hold_out import Arm, arm_of
from leads.queries.workflows.people import absorbed


def arms_of(*, version: WorkflowVersion, leads: Sequence[Lead], at: datetime) -> dict[int, Arm]:
    """The arm of each lead, given now where there is none yet; empty for a version that holds nobody out.

    The arms of accounts are those of the account that a lead belongs to now; leads without an account are units of
    their own. Of a merged person the earlier arm holds. Leads come with their accounts.
    """
    if not version.hold_out_percent:
        return {}
    by_account = version.hold_out_unit == WorkflowVersion.Unit.ACCOUNT
    accounts = {lead.pk: lead.account_id for lead in leads if by_account and lead.account_id}
    people = [lead for lead in leads if lead.pk not in accounts]
    known = _known(version, leads, accounts)
    new = {}
    for lead in leads:
        unit = ("account", accounts[lead.pk]) if lead.pk in accounts else ("lead", lead.pk)
        if lead.pk not in known and unit not in new:
            held = lead.account if lead.pk in accounts else lead
            name = str(held.public_id) if held else ""
            arm = arm_of(version.workflow.seed, name, version.hold_out_percent)
            row = HoldOutArm(workflow=version.workflow, version=version, arm=arm, assigned_at=at)
            row.account_id, row.lead_id = (unit[1], None) if unit[0] == "account" else (None, unit[1])
            new[unit] = row
    if not new:
        return known
    # Whoever was faster has decided the same: the seed did.
    HoldOutArm.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=500)
    return known | _known(version, [lead for lead in (*people, *leads) if lead.pk not in known], accounts)


def _known(version: WorkflowVersion, leads: Sequence[Lead], accounts: dict[int, int]) -> dict[int, Arm]:
    rows = HoldOutArm.objects.filter(workflow=version.workflow_id)
    of_accounts = dict(rows.filter(account__in=set(accounts.values())).values_list("account_id", "arm"))
    found = {pk: Arm(of_accounts[account]) for pk, account in accounts.items() if account in of_accounts}
    people = absorbed([lead.pk for lead in leads if lead.pk not in accounts])
    wanted = {lead.pk for lead in leads}
    for lead_id, arm in rows.filter(lead__in=people).order_by("-assigned_at", "-pk").values_list("lead_id", "arm"):
        found[people[lead_id]] = Arm(arm)  # the earliest comes last
    return {pk: arm for pk, arm in found.items() if pk in wanted}
