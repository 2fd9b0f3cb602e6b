"""Keep the theme a person chose."""

from __future__ import annotations

from django.db import transaction

from leads.models import Theme, User


@transaction.atomic
def choose_theme(*, user: User, theme: Theme) -> None:
    """For every browser the person signs in with."""
    User.objects.filter(pk=user.pk).update(theme=theme)
