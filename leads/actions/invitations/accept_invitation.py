"""Accept an invitation: a name, a password, and the person is in."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from leads.actions.invitations.invite import InviteRefused, invited_by_link
from leads.models import Invitation, User


@transaction.atomic
def accept_invitation(*, token: str, name: str, password: str, at: datetime) -> User:
    """Activate the person of a link, once. Raises InviteRefused."""
    invitation = invited_by_link(token=token, at=at)
    mine = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, expires_at__gt=at)
    if mine.update(accepted_at=at) != 1:
        raise InviteRefused("This invitation was accepted already. Sign in instead.")
    user = invitation.user
    user.name, user.is_active = name, True
    user.set_password(password)
    user.save(update_fields=["name", "is_active", "password"])
    return user
