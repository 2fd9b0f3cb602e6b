"""Reassign: one lead goes to another person, with its open follow-ups, a reason and a way back."""

from __future__ import annotations

from datetime import datetime

from leads.actions.routing.carry_out_transfer import carry_out_at_once
from leads.actions.routing.request_transfer import TransferRefused, request_transfer
from leads.models import Lead, Transfer, User


def reassign_lead(*, lead: Lead, to: User, reason: str, by: User, at: datetime) -> Transfer:
    """Give a lead to somebody. Open follow-ups of the owner before go along; the account keeps its owner.

    Returns the transfer, which `leads.actions.routing.undo_transfer.request_undo` takes back. Raises TransferRefused.
    """
    if lead.owner_id == to.pk:
        raise TransferRefused(f"{to} owns this lead already.")
    transfer = request_transfer(way=Transfer.Way.PERSON, to=[to], reason=reason, by=by, at=at, lead_ids=[lead.pk])
    return carry_out_at_once(transfer=transfer, at=at)
