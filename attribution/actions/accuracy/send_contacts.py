"""Lets made-up contacts reach us by the doors that real ones come through: the capture API, an import, a merge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.urls import resolve, reverse

from attribution.pure.accuracy.capture_truth import Imported, Merged, Posted, Step
from leads.actions.identity.merge_leads import merge_leads
from leads.actions.imports.leads import LeadOptions, import_leads
from leads.models import ApiKey, Lead, Scope
from leads.pure.imports.records import LeadRecord

SOURCE = "capture check"
_TAKEN = frozenset({200, 201, 422})
"""422 is an answer too: a contact that is refused has not arrived."""


class DoorClosed(RuntimeError):
    """The capture API answered neither that it took a contact nor that the contact is at fault."""


def send_contacts(*, steps: Iterable[Step], at: datetime) -> None:
    """Take every step in order. Call it in a transaction that is rolled back: it leaves people and a key behind.

    Raises DoorClosed.
    """
    door = _CaptureAPI()
    for step in steps:
        match step:
            case Posted(body):
                door.post(body)
            case Imported():
                import_leads(records=[_record(step)], options=LeadOptions(source=SOURCE), at=at)
            case Merged():
                known = dict(Lead.objects.filter(email__in=[step.survivor, step.loser]).values_list("email", "pk"))
                if len(known) == 2:
                    merge_leads(
                        survivor_id=known[step.survivor], loser_id=known[step.loser], by=None, at=at, reason=SOURCE
                    )


def _record(line: Imported) -> LeadRecord:
    return LeadRecord(
        email=line.email,
        external_id="",
        details={},
        occurred_at=line.at,
        channel="",
        landing_page="",
        campaign=line.campaign,
        attributes={},
    )


class _CaptureAPI:
    """The capture endpoint, asked in this process by its address: with a key, the parser, the checks, the intake.

    Not over the network, because what it writes must be taken back with the transaction.
    """

    def __init__(self) -> None:
        self.path = reverse("api-capture-leads")
        self.view = resolve(self.path)
        _, self.key = ApiKey.objects.create_key(name=SOURCE, scopes=[Scope.LEADS_WRITE, Scope.LEADS_READ])

    def post(self, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        request = WSGIRequest(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": self.path,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "443",
                "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(content)),
                "HTTP_AUTHORIZATION": f"Bearer {self.key}",
                "wsgi.url_scheme": "https",
                "wsgi.input": BytesIO(content),
            }
        )
        response = self.view.func(request, *self.view.args, **self.view.kwargs)
        if response.status_code not in _TAKEN:
            raise DoorClosed(f"The capture API answered {response.status_code}: {response.data}")
