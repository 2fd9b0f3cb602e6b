"""Confirm a step of the setup: somebody has looked at it and saved it."""

from __future__ import annotations

from django.db import transaction

from integrations.models import Connection


def confirm_step(*, connection_id: int, step: str) -> None:
    """Keep that the step was saved; once is enough."""
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        if step not in connection.confirmed_steps:
            connection.confirmed_steps = [*connection.confirmed_steps, step]
            connection.save(update_fields=["confirmed_steps"])
