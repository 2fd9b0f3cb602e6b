"""Invite a person by email, with a role."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse

from leads.models import Company, Invitation, Notification, Role, User
from leads.models.notification import MessageChannel
from leads.pure.refused import Refused

OPEN_FOR = timedelta(days=7)
KIND = "invitation"
_SIGNER = Signer(salt="leads.invitations")


class InviteRefused(Refused):
    """Nobody is invited so; the message says why."""


@transaction.atomic
def invite(*, by: User, email: str, name: str, role: str, at: datetime) -> Invitation:
    """Make the person, inactive, and owe them the mail with the link. Raises InviteRefused."""
    _may(by)
    address = email.strip().lower()
    if User.objects.filter(email=address).exists():
        raise InviteRefused(f"{address} is here already.")
    user = User.objects.create_user(address, None, name=name, role=role, is_active=False, is_staff=role == Role.ADMIN)
    invitation = Invitation.objects.create(
        user=user, invited_by=by, created_at=at, sent_at=at, expires_at=at + OPEN_FOR
    )
    _owe_mail(invitation, by, at)
    return invitation


@transaction.atomic
def invite_again(*, by: User, invitation: Invitation, at: datetime) -> None:
    """Send another mail; earlier links open as long as this one. Raises InviteRefused."""
    _may(by)
    row = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True)
    if row.update(sent_at=at, expires_at=at + OPEN_FOR) != 1:
        raise InviteRefused("This invitation was accepted already.")
    _owe_mail(invitation, by, at)


@transaction.atomic
def take_back(*, by: User, invitation: Invitation) -> None:
    """Remove an invitation with the person it made; who owns records already stays, inactive. Raises InviteRefused."""
    _may(by)
    held = Invitation.objects.select_for_update().filter(pk=invitation.pk, accepted_at__isnull=True).first()
    if held is None:
        raise InviteRefused("This invitation was accepted already.")
    user = User.objects.get(pk=held.user_id)
    if user.is_active or user.owns_records:
        held.delete()
    else:
        user.delete()


def link_to(public_id: object) -> str:
    """The address that accepts an invitation."""
    return f"{settings.PORTAL_URL}{reverse('leads:invitation-accept', args=[_SIGNER.sign(str(public_id))])}"


def invited_by_link(*, token: str, at: datetime) -> Invitation:
    """The invitation of a link. Raises InviteRefused for one that is forged, used, taken back or too old."""
    try:
        public_id = _SIGNER.unsign(token)
    except BadSignature:
        raise InviteRefused("This link is not valid. Ask for another invitation.") from None
    invitation = Invitation.objects.select_related("user", "invited_by").filter(public_id=public_id).first()
    if invitation is None:
        raise InviteRefused("This invitation was taken back. Ask for another one.")
    if invitation.accepted_at is not None:
        raise InviteRefused("This invitation was accepted already. Sign in instead.")
    if invitation.user.is_active:
        raise InviteRefused("This account is active already. Sign in instead.")
    if not invitation.is_open(at):
        raise InviteRefused("This invitation has expired. Ask for another one.")
    return invitation


def _may(by: User) -> None:
    if not by.has_role(Role.ADMIN):
        raise InviteRefused("Admins invite people.")


def _owe_mail(invitation: Invitation, by: User, at: datetime) -> None:
    Notification.objects.create(
        kind=KIND,
        channel=MessageChannel.EMAIL,
        recipient_id=invitation.user_id,
        title=f"{by.name} invites you to {Company.current().name}"[:200],
        text="Set a password to sign in. The link works once, within 7 days.",
        # Not the link itself: whoever reads the table must not be able to use it.
        link=str(invitation.public_id),
        key=f"invitation:{invitation.public_id}:{at:%Y-%m-%dT%H:%M:%S.%f}",
        created_at=at,
        not_before=at,
    )
