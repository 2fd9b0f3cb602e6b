"""The HubSpot connector against HubSpot's dialect of the sandbox, on a free port."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from integrations.connectors.base import Account, RawWebhook
from integrations.connectors.hubspot import HubSpotConnector
from integrations.connectors.hubspot_records import KEY
from integrations.connectors.http import Limits
from tests.integrations.connectors.contract import ConnectorContract
from tests.integrations.connectors.faults import answering
from tests.integrations.connectors.harness import Harness
from tests.integrations.sandbox_crm.running import TOKEN, running_crm

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


@pytest.fixture
def prepared(connect):
    assert connect().prepare() == ()


@pytest.fixture
def by_key(connect, server, hubspot, prepared):
    return harness(connect, server, hubspot)


@pytest.fixture
def by_oauth(connect, server, hubspot, prepared):
    """The same signed in by OAuth: an access token is fetched first, and again when it is over."""
    return harness(
        lambda **given: connect(**given, oauth=True),
        server,
        hubspot,
        sign_in=r"POST /hubspot/oauth/.*",
        expire_tokens=hubspot.tokens.expire,
        overhead=1,
    )


class TestServiceKey(ConnectorContract):
    """The whole contract."""

    @pytest.fixture
    def crm(self, by_key):
        return by_key


class TestOAuth:
    """What differs: a token is fetched first, renewed by the clock and once when it is refused."""

    @pytest.fixture
    def crm(self, by_oauth):
        return by_oauth

    test_check = ConnectorContract.test_check_names_account_and_clock
    test_fewest_calls = ConnectorContract.test_upsert_uses_the_fewest_calls
    test_wrong_secret = ConnectorContract.test_wrong_token_is_auth_dead_and_stays_secret
    test_renewed_once = ConnectorContract.test_an_expired_token_is_renewed_once
    test_lasting_401 = ConnectorContract.test_a_lasting_401_ends
    test_logs = ConnectorContract.test_nothing_logs_the_token
    test_forbidden = ConnectorContract.test_forbidden_is_a_missing_scope
