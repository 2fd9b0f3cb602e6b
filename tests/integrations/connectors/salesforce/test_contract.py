"""Salesforce against its dialect of the sandbox server: the contract of all connectors."""

from datetime import timedelta

import pytest

from integrations.connectors.base import Updated
from tests.integrations.connectors.contract import ConnectorContract
from tests.integrations.connectors.faults import answering
from tests.integrations.connectors.harness import Harness
from tests.integrations.connectors.salesforce.org import KEY, running_org


@pytest.fixture
def org(tmp_path):
    with running_org(tmp_path) as running:
        yield running


@pytest.fixture
def crm(org):
    dialect, records = org.dialect, org.records

    def contact_of(key):
        (lead,) = records.find("Lead", KEY, [key])
        if not lead.members.get("IsConverted"):
            dialect.convert_lead(lead.id)
        return records["Lead", lead.id].members["ConvertedContactId"]

    def make_deal(key):
        return dialect.add_deal({"Amount": 1234.5}, contact_of(key))

    def win_deal(deal_id, amount):
        today = f"{records.now():%Y-%m-%d}"
        records.change("Opportunity", deal_id, {"StageName": "Closed Won", "Amount": float(amount), "CloseDate": today})

    def load_same_stamp(count, stamp):
        with records.write():
            for n in range(count):
                members = {"LastName": f"Name {n}", "Company": "Acme", KEY: f"same-{n}"}
                records.add("Lead", members, created=stamp, modified=stamp)

    return Harness(
        connector=org.connect,
        port=org.port,
        path="/salesforce",
        sign_in=r"POST /salesforce/services/oauth2/token ",
        write=r"PATCH .*",
        tick=timedelta(seconds=1),
        person=lambda n: {
            "Email": f"ada{n}@example.com",
            "FirstName": "Ada",
            "LastName": f"Name {n}",
            "Company": "Analytical Engines",
            "OwnerId": dialect.user_id,
        },
        change=("Company", "Renamed"),
        kept="LastName",
        bad=("Email", "a@x.example, evil@y.example"),
        repeated=Updated,
        overhead=1,
        calls_for=lambda count: 2 * -(-count // 200),  # a look who is there already, and the write
        make_deal=make_deal,
        move_deal=lambda deal_id, stage: records.change("Opportunity", deal_id, {"StageName": stage}),
        win_deal=win_deal,
        in_deals=lambda lead_id: records["Lead", lead_id].members["ConvertedContactId"],
        remove_person=lambda person_id: records.delete("Lead", person_id),
        load_same_stamp=load_same_stamp,
        unknown_id="00Q5f0000099999EAA",
        tells_quota=True,
        forbidden=b'[{"message": "The API is not enabled.", "errorCode": "API_DISABLED_FOR_ORG"}]',
        internal=(b'[{"message": "An error", "errorCode": "UNKNOWN_EXCEPTION"}]', "UNKNOWN_EXCEPTION"),
        spent=answering(403, b'[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]'),
        custom_field="Tier__c",
        expire_tokens=dialect.tokens.expire,
        merge_people=lambda loser, winner: records.merge("Lead", loser, winner),
        convert_person=dialect.convert_lead,
        make_campaign=lambda name: records.add("Campaign", {"Name": name, "IsActive": True}).id,
        make_member=lambda campaign, person: records.add(
            "CampaignMember", {"CampaignId": campaign, "LeadId": person, "Status": "Sent"}
        ),
        vendor_urls=("https://acme.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
        foreign_urls=(
            "http://acme.my.salesforce.com", "https://evilsalesforce.com", "https://acme.my.salesforce.com.evil.example",
            "https://acme.my.salesforce-sites.com", "https://acme.my.salesforce.com:8443",
        ),
    )  # fmt: skip


class TestSalesforce(ConnectorContract):
    """The whole contract."""
