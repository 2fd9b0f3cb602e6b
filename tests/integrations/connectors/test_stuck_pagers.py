"""A CRM whose page names itself as the next one: told as an outage, never asked for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.connectors.base import Account, Connector, MemoryTokens, Outage, Token, Window
from integrations.connectors.hubspot.connector import HubSpotConnector
from integrations.connectors.pipedrive.connector import PipedriveConnector
from integrations.connectors.salesforce.connector import SalesforceConnector
from tests.integrations.connectors.faults import answering, faulty

NOW = datetime(2026, 11, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=1), NOW)
MOST = 8
STAMP = "2026-11-29T12:00:00.000Z"
LEAD = {
    "attributes": {"type": "Lead", "url": "/services/data/v68.0/sobjects/Lead/00Q000000000001AAA"},
    "Id": "00Q000000000001AAA",
    "SystemModstamp": "2026-11-29T12:00:00.000+0000",
}
SALESFORCE = {
    "totalSize": 4000,
    "done": False,
    "nextRecordsUrl": "/services/data/v68.0/query/01g000000000001AAA-2000",
    "records": [LEAD],
}
HUBSPOT = {
    "total": 4000,
    "results": [{"id": "101", "properties": {"hs_object_id": "101"}, "createdAt": STAMP, "updatedAt": STAMP}],
    "lists": [{"listId": "7", "name": "Newsletter"}],
    "hasMore": True,
    "paging": {"next": {"after": "101"}},
}
PIPEDRIVE = {
    "success": True,
    "data": [{"id": 7, "field_name": "Portal lead ID", "field_code": "k", "name": "Acme", "update_time": STAMP}],
    "additional_data": {"next_cursor": "again"},
}
Ask = Callable[[Connector], Iterable[Any]]


def account(url: str) -> Account:
    tokens = MemoryTokens(Token("t", datetime.now(UTC) + timedelta(hours=1), url))
    return Account(url, {"token": "t"}, allow_loopback=True, tokens=tokens)


def salesforce(url: str) -> Connector:
    return SalesforceConnector(account(url))


def hubspot(url: str) -> Connector:
    return HubSpotConnector(account(url), pause=lambda seconds: None)


def pipedrive(url: str) -> Connector:
    return PipedriveConnector(account(url))


@pytest.mark.parametrize(
    ("connect", "body", "ask"),
    [
        (salesforce, SALESFORCE, lambda crm: crm.changes("person", WINDOW)),
        (salesforce, SALESFORCE, lambda crm: crm.changes("deal", WINDOW)),
        (salesforce, SALESFORCE, lambda crm: crm.members(WINDOW)),
        (salesforce, SALESFORCE, lambda crm: crm.campaigns()),
        (salesforce, SALESFORCE, lambda crm: crm.activities(("call",), WINDOW)),
        (hubspot, HUBSPOT, lambda crm: crm.changes("person", WINDOW)),
        (hubspot, HUBSPOT, lambda crm: crm.changes("person", Window(None, NOW))),
        (hubspot, HUBSPOT, lambda crm: crm.gone("person", WINDOW)),
        (hubspot, HUBSPOT, lambda crm: crm.activities(("call",), WINDOW)),
        (hubspot, HUBSPOT, lambda crm: crm.activities(("list",), WINDOW, ("Newsletter",))),
        (pipedrive, PIPEDRIVE, lambda crm: crm.changes("account", WINDOW)),
        (pipedrive, PIPEDRIVE, lambda crm: crm.changes("person", WINDOW)),
        (pipedrive, PIPEDRIVE, lambda crm: crm.gone("deal", WINDOW)),
        (pipedrive, PIPEDRIVE, lambda crm: crm.activities(("call",), WINDOW)),
        (pipedrive, PIPEDRIVE, lambda crm: crm.describe("person").fields),
    ],
)
def test_a_page_that_names_itself_as_the_next_one(connect: Callable[[str], Connector], body: Any, ask: Ask) -> None:
    with faulty(answering(200, json.dumps(body).encode(), "Date: Mon, 30 Nov 2026 00:00:00 GMT")) as server:
        crm = connect(server.url)
        with pytest.raises(Outage) as caught:
            for n, _ in enumerate(ask(crm)):
                assert n < MOST
        assert crm.calls <= MOST
        crm.close()
    assert caught.value.code == "unreadable"
