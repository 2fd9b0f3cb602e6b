"""Signed events become hints; captured answers are read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.connectors.base import Created, Draft, Misuse, Rejected, ScopeMissing, Updated
from tests.integrations.connectors.faults import answering, faulty
from tests.integrations.connectors.hubspot.account import signed
from tests.integrations.sandbox_crm.running import TOKEN

PAYLOADS = Path(__file__).parents[1] / "payloads" / "hubspot"


def hints(connect, events, **changed):
    raw = signed(json.dumps(events).encode(), secret=TOKEN, at=datetime.now(UTC))
    return connect().parse_webhook(replace(raw, **changed))


def test_events_of_both_forms_become_hints(connect):
    common = {"eventId": 1, "subscriptionId": 2, "portalId": 3, "occurredAt": 4}
    events = [
        {**common, "subscriptionType": "deal.propertyChange", "objectId": 10},
        {**common, "subscriptionType": "object.creation", "objectTypeId": "0-1", "objectId": 11},
        {**common, "subscriptionType": "contact.deletion", "objectId": 12},
        {**common, "subscriptionType": "contact.merge", "objectId": 13, "primaryObjectId": 13,
         "mergedObjectIds": [14], "newObjectId": 15},
        {**common, "subscriptionType": "deal.associationChange", "fromObjectId": 16, "toObjectId": 17},
        {**common, "subscriptionType": "ticket.creation", "objectId": 18},
    ]  # fmt: skip
    found = hints(connect, events)
    assert [(each.kind, each.remote_id, each.is_gone) for each in found] == [
        ("deal", "10", False), ("person", "11", False), ("person", "12", True), ("person", "15", False),
        ("person", "14", True), ("person", "13", True), ("deal", "16", False),
    ]  # fmt: skip
    assert {each.event_id for each in found} == {"3-2-1-4"}, "a replay carries the same"


def test_the_address_is_decoded_as_hubspot_signs_it(connect):
    """Only the listed escapes are undone; `%20` and `%2B` stay."""
    body, at = b"[]", datetime.now(UTC)
    raw = signed(body, secret=TOKEN, at=at, url="https://portal.example/hook/a:b?x=(1)&y=%20%2B")
    came = replace(raw, url="https://portal.example/hook/a%3Ab?x=%281%29&y=%20%2B")
    assert connect().parse_webhook(came) == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_five_minutes_off_is_refused_either_way(connect, minutes):
    raw = signed(b"[]", secret=TOKEN, at=datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(Misuse, match="five minutes"):
        connect().parse_webhook(raw)


@pytest.mark.parametrize("changed", [{"body": b"[1]"}, {"method": "PUT"}, {"url": "https://portal.example/x"}])
def test_a_signature_covers_method_address_and_body(connect, changed):
    with pytest.raises(Misuse, match="signature is wrong"):
        hints(connect, [], **changed)


def test_captured_answers_are_read(connect):
    """Bodies as HubSpot's error guide and captured answers have them."""
    conflict = (PAYLOADS / "conflict_by_row.json").read_bytes()
    refused = (PAYLOADS / "invalid_by_row.json").read_bytes()
    with faulty(answering(207, refused)) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", [Draft("549b1c2a9350", {}), Draft("549b1c2a9351", {})]))
    assert [type(each) for each in outcomes] == [Updated, Rejected]
    assert (outcomes[1].code, outcomes[1].field) == ("PROPERTY_DOESNT_EXIST", "missing")
    with faulty(answering(200, conflict)) as crm:
        outcomes = list(connect(url=crm.url).upsert("person", [Draft("0", {}), Draft("1", {})]))
    assert [type(each) for each in outcomes] == [Rejected, Created]
    assert outcomes[0].code == "CONFLICT"
    wanting = faulty(answering(403, (PAYLOADS / "missing_scopes.json").read_bytes()))
    with wanting as crm, pytest.raises(ScopeMissing, match=r"crm\.objects\.deals\.read"):
        connect(url=crm.url).describe("deal")
