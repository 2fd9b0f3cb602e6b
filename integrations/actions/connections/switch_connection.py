"""Switch a connection on or off."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.actions.push.back_fill import plan_back_fill
from integrations.models import Connection
from integrations.queries.setup import gaps, has_trial
from leads.models import JobRun, User
from leads.pure.refused import Refused


class NotReady(Refused):
    """The connection cannot be switched on yet; the message tells a person what is missing."""


def switch_on(
    *, connection_id: int, at: datetime, by: User | None, without_trial: bool = False, with_gaps: bool = False
) -> JobRun | None:
    """Let syncs begin; the first time every lead is owed to the CRM, by the job that is returned.

    The first time, raises NotReady where there was no dry run or something is missing, unless told to go on without.
    After a pause every lead is owed again: what changed meanwhile was noted for nobody. Equal ones cost no call.
    """
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        if connection.is_active:
            return None
        is_first = connection.switched_on_at is None
        if is_first and not with_gaps and (missing := gaps(connection)):
            raise NotReady(" ".join(missing))
        if is_first and not without_trial and not has_trial(connection):
            raise NotReady("There was no dry run. Begin one, or say that it goes on without.")
        connection.is_active, connection.switched_on_at = True, connection.switched_on_at or at
        connection.save(update_fields=["is_active", "switched_on_at"])
        return plan_back_fill(connection=connection, by=by, at=at, is_again=not is_first)


def switch_off(*, connection_id: int) -> None:
    """No sync begins from now on; what waits keeps waiting, and one under way comes to its end."""
    Connection.objects.filter(pk=connection_id).update(is_active=False)
