"""A running org of the sandbox's Salesforce, and a maker of connectors to it."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from integrations.connectors.base import Account, Draft, Window
from integrations.connectors.http import Limits
from integrations.connectors.salesforce.connector import SalesforceConnector
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

KEY = "Portal_Id__c"
AHEAD = timedelta(seconds=5)
"""So far a window reaches beyond now, for clocks that differ."""


@contextlib.contextmanager
def running_org(path: Path) -> Iterator[SimpleNamespace]:
    """`connect(…)`, `dialect`, `records`, `port`, `url`."""
    made = []
    with running_crm(path / "crm.sqlite3") as server:
        dialect, home = server.dialect("salesforce"), f"{server.url}/salesforce"

        def connect(
            *, url=None, token=TOKEN, read=5.0, total=15.0, page_size=2000, allow_loopback=True, secrets=None, **more
        ):
            dialect.page_cap = page_size
            secrets = {"client_id": "app", "client_secret": token} if secrets is None else secrets
            account = Account(home if url is None else url, secrets, allow_loopback=allow_loopback, **more)
            made.append(SalesforceConnector(account, limits=Limits(read=read, total=total)))
            return made[-1]

        yield SimpleNamespace(
            connect=connect, dialect=dialect, records=dialect.records, port=server.server_port, url=home
        )
        for each in made:
            each.close()


def person(n: int, **fields):
    return {"Email": f"ada{n}@example.com", "LastName": f"Name {n}", "Company": "Analytical Engines"} | fields


def drafts(count: int, **fields) -> list[Draft]:
    return [Draft(f"lead-{n}", person(n, **fields)) for n in range(count)]


def everything():
    """The window of all changes so far."""
    return Window(None, datetime.now(UTC) + AHEAD)


def read(connector, kind, window=None):
    """The records that changed in a window, of everything without one."""
    return [record for page in connector.changes(kind, window or everything()) for record in page.records]
