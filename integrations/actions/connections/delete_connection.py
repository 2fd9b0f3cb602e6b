"""Delete a connection with its secrets, runs and queues. What it brought here stays, and so does the CRM; its links
wait for a new connection to the same account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.actions.connections.former_records import keep_former_records
from integrations.models import Connection
from integrations.queries.runs import JOBS
from leads.models import JobRun
from leads.pure.refused import Refused


class DeleteRefused(Refused):
    """The connection cannot be deleted now; the message tells a person why."""


def delete_connection(*, connection_id: int, at: datetime) -> None:
    """Delete it, in one transaction. Raises DeleteRefused while a sync is under way."""
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        if connection.lease_until is not None and connection.lease_until > at:
            raise DeleteRefused("A sync is under way. Switch the connection off and try again when it has ended.")
        jobs = JobRun.objects.filter(kind__in=JOBS, period__startswith=f"{connection.slug} ")
        jobs.filter(state__in=(JobRun.State.WAITING, JobRun.State.RUNNING)).update(
            state=JobRun.State.FAILED, finished_at=at, message="The connection was deleted."
        )
        keep_former_records(connection=connection)
        connection.delete()
