"""A running account, and a maker of connectors to it."""

import pytest

from integrations.connectors.base import Account
from integrations.connectors.http import Limits
from integrations.connectors.hubspot.connector import HubSpotConnector
from tests.integrations.sandbox_crm.running import TOKEN, running_crm


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as server:
        yield server
        for each in server._dialects.values():
            each.close()


@pytest.fixture
def hubspot(server):
    """The dialect: what an account's users could do, tests do here."""
    dialect = server.dialect("hubspot")
    dialect.search_bucket = None
    return dialect


@pytest.fixture
def connect(server, hubspot):
    """connect(…) → a connector, signed in by service key or, with `oauth`, by a refresh token."""
    made = []

    def connector(
        *, url=None, token=TOKEN, read=5.0, total=15.0, page_size=None, allow_loopback=True, oauth=False, **further
    ):
        secrets = {"client_secret": token} | ({"refresh_token": token} if oauth else {"token": token})
        settings = {"client_id": "c1"} if oauth else {}
        account = Account(
            f"{server.url}/hubspot" if url is None else url, secrets, allow_loopback, settings=settings, **further
        )
        limits = Limits(read=read, total=total)
        made.append(HubSpotConnector(account, limits=limits, page_size=page_size, pause=lambda seconds: None))
        return made[-1]

    yield connector
    for each in made:
        each.close()


@pytest.fixture
def prepared(connect):
    assert connect().prepare() == ()
