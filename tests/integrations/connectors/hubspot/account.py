"""A HubSpot account as its users and its webhooks are: what tests do there beside the connector."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from integrations.connectors.base import Draft, RawWebhook, Window
from integrations.connectors.hubspot.records import KEY
from tests.integrations.connectors.faults import answering
from tests.integrations.connectors.harness import Harness
from tests.integrations.sandbox_crm.running import TOKEN

DAILY = json.dumps(
    {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
        "policyName": "DAILY",
    }
).encode()
SCOPES = json.dumps(
    {
        "status": "error",
        "message": "This app hasn't been granted all required scopes. canary-secret-7f3a",
        "errors": [{"message": "", "context": {"requiredGranularScopes": ["crm.objects.contacts.read"]}}],
        "category": "MISSING_SCOPES",
    }
).encode()


def signed(body, *, secret, at, url="https://portal.example/hooks/hubspot", method="POST"):
    stamp = str(int(at.timestamp() * 1000))
    signature = hmac.digest(secret.encode(), f"{method}{url}".encode() + body + stamp.encode(), hashlib.sha256)
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(signature).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
    }
    return RawWebhook(method, url, headers, body, datetime.now(UTC))


def webhook(person_id, at=None, secret=TOKEN):
    event = {
        "eventId": 100, "subscriptionId": 51, "portalId": 62515, "occurredAt": 1700000000000,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": int(person_id),
        "propertyName": "firstname", "propertyValue": "Ada",
    }  # fmt: skip
    return signed(json.dumps([event]).encode(), secret=secret, at=at or datetime.now(UTC))


def harness(connector, server, hubspot, **differing):
    records = hubspot.records

    def id_of(key):
        return records.find("contacts", KEY, [key])[0].id

    def make_deal(person_key):
        members = {"dealname": "Deal", "amount": "1234.50", "deal_currency_code": "EUR"}
        return hubspot.add_deal(members, contacts=[(id_of(person_key), "")])

    def move_deal(deal_id, stage):
        pipeline, _, stage = stage.partition("/")
        hubspot.move_deal(deal_id, pipeline=pipeline, dealstage=stage)

    def load_same_stamp(count, stamp):
        with records.write():
            for n in range(count):
                records.add("contacts", {KEY: f"same-{n}", "firstname": "Same"}, created=stamp, modified=stamp)

    return Harness(
        **{
            "connector": connector,
            "port": server.server_port,
            "path": "/hubspot",
            "write": r"POST /hubspot/crm/objects/.*/batch/upsert",
            "person": lambda n: {
                "email": f"ada{n}@example.com",
                "firstname": "Ada",
                "lastname": f"Name {n}",
                "hubspot_owner_id": "41001",
            },
            "change": ("company", "Renamed"),
            "kept": "lastname",
            "bad": ("email", "no address"),
            "make_deal": make_deal,
            "move_deal": move_deal,
            "win_deal": lambda deal_id, amount: hubspot.move_deal(deal_id, dealstage="closedwon", amount=amount),
            "remove_person": lambda person_id: records.archive("contacts", person_id),
            "load_same_stamp": load_same_stamp,
            "tick": timedelta(milliseconds=1),
            "unknown_id": "1",
            "calls_to_fetch": 3,  # what is not alive is asked for once more among the archived
            "tells_person_keys": False,
            "tells_quota": True,
            "forbidden": SCOPES,
            "spent": answering(429, DAILY),
            "custom_field": KEY,
            "merge_people": lambda loser, winner: hubspot.merge("contacts", loser, winner),
            "make_campaign": lambda name: records.add("campaigns", {"hs_name": name}).id,
            "webhook": webhook,
            "webhook_window": timedelta(minutes=5),
            "vendor_urls": ("https://api.hubapi.com", "https://api-eu1.hubapi.com"),
            "foreign_urls": ("https://api.hubapi.com.evil.example", "https://evilhubapi.com", "http://api.hubapi.com"),
        }
        | differing
    )


def draft(n, **fields):
    return Draft(f"lead-{n}", {"email": f"p{n}@example.com", "firstname": f"P{n}", **fields})


def recent():
    now = datetime.now(UTC)
    return Window(now - timedelta(hours=1), now + timedelta(seconds=5))
