"""The sandbox's Salesforce through simple-salesforce, a client that we did not write: what it expects, it gets.

The client takes https and a domain of Salesforce for granted; the adapter below carries its requests to the sandbox as
they are.
"""

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from integrations.sandbox_crm.dialects.salesforce.org import VERSION
from integrations.sandbox_crm.dialects.scenario import Fault
from tests.integrations.connectors.salesforce.org import KEY, person, running_org
from tests.integrations.sandbox_crm.running import TOKEN

HOME = "https://acme.my.salesforce.com"
APP = {"domain": "acme.my", "consumer_key": "app", "version": VERSION.removeprefix("v")}


class ToSandbox(HTTPAdapter):
    """Sends what is meant for the org, or for the instance's address that it gave, to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.host = url, urlsplit(url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        told = request.url or ""
        request.url = told.replace(HOME, self.url).replace(f"https://{self.host}", f"http://{self.host}")
        assert urlsplit(request.url).netloc == self.host
        return super().send(request, *args, **options)


@pytest.fixture
def org(tmp_path) -> Iterator[SimpleNamespace]:
    with running_org(tmp_path) as running:
        running.session = requests.Session()
        running.session.trust_env = False
        running.session.mount("https://", ToSandbox(running.url))
        yield running


@pytest.fixture
def client(org) -> Salesforce:
    return Salesforce(**APP, consumer_secret=TOKEN, session=org.session)


def test_both_ways_to_sign_in_and_a_session_that_ends(org, client):
    assert client.auth_type == "client-credentials"
    with org.dialect.faults(Fault("expire")):
        assert client.limits()["DailyApiRequests"]["Max"] == 15_000
    assert client.api_usage["api-usage"].total == 15_000
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    org.dialect.public_keys["app"] = public.decode()
    signed = {**APP, "domain": "login", "instance_url": "acme.my", "privatekey": key.private_bytes(*private).decode()}
    assert Salesforce(**signed, username="portal@acme.example", session=org.session).describe()["maxBatchSize"] == 200
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        Salesforce(**APP, consumer_secret="wrong", session=org.session)


def test_one_record_from_its_making_to_its_end(org, client):
    began = org.records.now() - dt.timedelta(minutes=1)
    made = client.Lead.create(person(1))
    assert made["success"]
    assert made["errors"] == []
    assert client.Lead.update(made["id"], {"Title": "CFO"}) == 204
    shown = client.Lead.get(made["id"])
    assert (shown["Title"], shown["attributes"]["type"], shown["IsConverted"]) == ("CFO", "Lead", False)
    assert client.Lead.upsert(f"{KEY}/k-1", person(2)) == 201
    assert client.Lead.upsert(f"{KEY}/k-1", {"Title": "CEO"}) == 200
    (second,) = org.records.find("Lead", KEY, ["k-1"])
    assert client.Lead.get_by_custom_id(KEY, "k-1")["Title"] == second.members["Title"] == "CEO"
    assert client.Lead.delete(made["id"]) == 204
    until = org.records.now() + dt.timedelta(minutes=2)
    gone = client.Lead.deleted(began, until)
    assert [each["id"] for each in gone["deletedRecords"]] == [made["id"]]
    assert gone["latestDateCovered"]
    assert client.Lead.updated(began, until)["ids"] == [second.id]


def test_queries_by_page_and_what_was_deleted(org, client):
    org.dialect.page_cap = 4
    made = [client.Lead.create(person(n))["id"] for n in range(10)]
    client.Lead.delete(made[3])
    soql = "SELECT Id, Email FROM Lead WHERE IsConverted = false ORDER BY Id"
    assert [row["Id"] for row in client.query_all_iter(soql)] == sorted(set(made) - {made[3]})
    first = client.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (9, False, 4)
    assert client.query_all(soql, include_deleted=True)["totalSize"] == 10
    fields = {each["name"]: each for each in client.Lead.describe()["fields"]}
    assert fields[KEY]["externalId"]
    assert fields["Email"]["type"] == "email"


def test_collections_and_composite(org, client):
    def rows(*given: dict[str, Any]) -> dict[str, Any]:
        return {"allOrNone": False, "records": [{"attributes": {"type": "Lead"}, **each} for each in given]}

    path = "composite/sobjects"
    made = client.restful(path, method="POST", json=rows(person(1), {"Email": "no address"}))
    assert [each["success"] for each in made] == [True, False]
    assert made[1]["errors"][0]["statusCode"] in ("REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS")
    changed = client.restful(path, method="PATCH", json=rows({"id": made[0]["id"], "Title": "CFO"}))
    assert changed == [{"id": made[0]["id"], "success": True, "errors": []}]
    for is_new in (True, False):
        told = client.restful(f"{path}/Lead/{KEY}", method="PATCH", json=rows(person(2) | {KEY: "k2"}))
        assert [(each["success"], each["created"]) for each in told] == [(True, is_new)]
    data = f"/services/data/{VERSION}"
    parts = [
        {"method": "GET", "url": f"{data}/query/?q=SELECT+Id+FROM+Lead", "referenceId": "leads"},
        {"method": "GET", "url": f"{data}/sobjects/Nothing/describe", "referenceId": "none"},
    ]
    told = client.restful("composite", method="POST", json={"compositeRequest": parts})["compositeResponse"]
    assert [(each["referenceId"], each["httpStatusCode"]) for each in told] == [("leads", 200), ("none", 404)]
    assert told[0]["body"]["totalSize"] == 2
    assert told[1]["body"][0]["errorCode"] == "NOT_FOUND"


def test_errors_are_the_ones_that_it_knows(org, client):
    for call, error, code in (
        (lambda: client.query("SELECT Nothing FROM Lead"), SalesforceMalformedRequest, "INVALID_FIELD"),
        (lambda: client.query("SELECT FROM"), SalesforceMalformedRequest, "MALFORMED_QUERY"),
        (lambda: client.Nothing.describe(), SalesforceResourceNotFound, "NOT_FOUND"),
        (lambda: client.Lead.get("00Q5f0000099999EAA"), SalesforceResourceNotFound, "NOT_FOUND"),
        (lambda: client.Lead.create({"Email": "a@b.example"}), SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING"),
    ):
        with pytest.raises(error) as caught:
            call()
        assert caught.value.content[0]["errorCode"] == code
    org.dialect.daily_calls = 0
    with pytest.raises(SalesforceRefusedRequest) as caught:
        client.limits()
    assert caught.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
