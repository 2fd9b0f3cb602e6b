"""A record's history as people see it: what it tells, whom it tells it, and what leaves it as a file."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from leads.actions.notifications.choose import choose
from leads.models import (
    Campaign,
    ChatDestination,
    Company,
    Lead,
    LeadScore,
    Opportunity,
    OpportunityContact,
    ScoringRuleSet,
    User,
)
from leads.past.acting import Door, act, backdated
from leads.queries.history import DOORS
from leads.queries.history_parts import KINDS
from leads.queries.history_words import NAMED
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TouchpointFactory,
    UserFactory,
    stage,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def address(kind: str, row: Any) -> str:
    return reverse("leads:history", args=[kind, row.public_id])


def page(client: Client, kind: str, row: Any, **query: Any) -> str:
    answer = client.get(address(kind, row), query)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


@pytest.fixture
def deal(sales_leader: User) -> Opportunity:
    with backdated(FIRST):
        found = OpportunityFactory(name="Big deal", amount_cents=1_000_000)
    with backdated(FIRST + DAY), act("page", actor=sales_leader.pk, because="Sales leader"):
        Opportunity.objects.filter(pk=found.pk).update(amount_cents=2_000_050, stage=stage("won"))
    with backdated(FIRST + 2 * DAY), act("crm", source="HubSpot, run 12345678", because="Pull: daily"):
        Opportunity.objects.filter(pk=found.pk).update(currency="USD", attributes={"Tier": "A"})
    return found


def test_a_change_says_who_what_when_and_why(client: Client, sales_leader: User, deal: Opportunity) -> None:
    client.force_login(sales_leader)
    text = page(client, "deal", deal)
    assert sales_leader.name in text
    assert "Allowed because: Sales leader" in text
    assert "€10,000.00" in text
    assert "€20,000.50" in text
    assert "Qualification" in text
    assert "HubSpot, run 12345678" in text
    assert "Allowed because: Pull: daily" in text
    assert "Attributes: Tier" in text
    assert "3 Mar 2026, 10:00 CET" in text
    assert text.index("HubSpot") < text.index("Allowed because: Sales leader")
    assert "Change history" in client.get(deal.get_absolute_url()).content.decode()


def test_what_was_added_and_deleted_is_told_as_such(client: Client, sales_leader: User, deal: Opportunity) -> None:
    with backdated(FIRST + 3 * DAY):
        contact = OpportunityContact.objects.create(
            opportunity=deal, lead=LeadFactory(first_name="Grace", last_name="H")
        )
    with backdated(FIRST + 4 * DAY), act("admin", actor=sales_leader.pk, because="Admin"):
        contact.delete()
    client.force_login(sales_leader)
    text = page(client, "deal", deal)
    assert text.count("Contact: Grace H") == 2
    assert "Deleted" in text
    with backdated(FIRST + 5 * DAY):
        deal.delete()
    text = page(client, "deal", deal)
    assert "deleted" in text
    assert "Changes of Big deal" in text


def test_filters_narrow_and_refuse(client: Client, sales_leader: User, deal: Opportunity) -> None:
    client.force_login(sales_leader)

    def shown(**query: Any) -> tuple[bool, bool, bool]:
        text = page(client, "deal", deal, **query)
        return "Sales leader</span>" in text, "run 12345678" in text, "€10,000.00</span></dd></div></dl>" in text

    assert shown() == (True, True, False)
    assert shown(person=sales_leader.public_id)[:2] == (True, False)
    assert shown(door="crm")[:2] == (False, True)
    assert shown(field="deal.stage_id")[:2] == (True, False)
    assert shown(**{"from": "2026-03-04"})[:2] == (False, True)
    assert shown(to="2026-03-03")[:2] == (True, False)
    assert shown(**{"from": "2026-03-03", "to": "2026-03-03"})[:2] == (True, False)
    assert "No change matches these filters" in page(client, "deal", deal, person=uuid4())
    for query, says in (
        ({"from": "2026-03-04", "to": "2026-03-01"}, "The last day lies before the first"),
        ({"field": "deal.password"}, "Select a valid choice"),
    ):
        answer = client.get(address("deal", deal), query)
        assert answer.status_code == 400
        assert says in answer.content.decode()


def test_a_field_alone_shows_no_other(client: Client, sales_leader: User, deal: Opportunity) -> None:
    client.force_login(sales_leader)
    text = page(client, "deal", deal, field="deal.stage_id")
    assert "€20,000.50" not in text


def test_files_hold_what_is_shown(client: Client, sales_leader: User, deal: Opportunity) -> None:
    with backdated(FIRST + 3 * DAY), act("page", actor=sales_leader.pk, because="Sales leader"):
        Opportunity.objects.filter(pk=deal.pk).update(name="=HYPERLINK(1)")
    client.force_login(sales_leader)
    answer = client.get(address("deal", deal), {"export": "csv", "door": "page"})
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["When", "Change", "Who", "Came through"]
    assert {row[5] for row in rows[1:]} == {"Sales leader"}
    cells = [[row[0], row[2], row[3], *row[6:]] for row in rows[1:]]
    name = sales_leader.name
    first, second = "2026-03-03 10:00:00.000+01:00", "2026-03-05 10:00:00.000+01:00"
    assert cells == [
        [second, name, "Page", "Deal", "changed", "Name", "Big deal", "'=HYPERLINK(1)"],
        [first, name, "Page", "Deal", "changed", "Stage", "Qualification", "Closed won"],
        [first, name, "Page", "Deal", "changed", "Amount", "€10,000.00", "€20,000.50"],
    ]
    answer = client.get(address("deal", deal), {"export": "xlsx", "door": "page"})
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    assert [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)] == rows


def test_a_lead_tells_of_what_hangs_on_it(client: Client, rep: User, sales_leader: User) -> None:
    lead = LeadFactory(owner=rep, first_name="Ada", last_name="Byron")
    TouchpointFactory(lead=lead, name="Pricing request", utm_source="google")
    client.force_login(rep)
    client.post(
        reverse("leads:follow-up-promise", args=[lead.public_id]), {"kind": "call", "due_at": "2999-01-01T10:00"}
    )
    Lead.objects.filter(pk=lead.pk).update(stage="mql")
    client.post(reverse("leads:lead-accept", args=[lead.public_id]))
    text = page(client, "lead", lead)
    assert "Touchpoint: Form submission" in text
    assert "Follow-up: Call" in text
    assert "Stage change: SAL" in text
    assert "Allowed because: Sales rep" in text
    assert "MQL" in text


def test_a_lead_tells_its_scores(client: Client, sales_leader: User) -> None:
    lead, rules = LeadFactory(), ScoringRuleSet.objects.get()
    with backdated(FIRST), act("job", source="sweep intake", because="Scheduled work"):
        LeadScore.objects.create(lead=lead, rule_set=rules, total=45, fit=30, behaviour=15, scored_at=FIRST)
    client.force_login(sales_leader)
    text = page(client, "lead", lead)
    assert "Score: 45" in text
    assert "Behavior" in text
    assert "Allowed because: Scheduled work" in text


def test_a_touch_that_changed_hands_is_told_on_both_sides(client: Client, sales_leader: User) -> None:
    with backdated(FIRST):
        one, other = LeadFactory(first_name="One", last_name="A"), LeadFactory(first_name="Other", last_name="B")
        touch = TouchpointFactory(lead=one)
    with backdated(FIRST + DAY):
        type(touch).objects.filter(pk=touch.pk).update(lead=other)
    with backdated(FIRST + 2 * DAY):
        type(touch).objects.filter(pk=touch.pk).update(name="Later")
    client.force_login(sales_leader)
    assert "Later" not in page(client, "lead", one)
    assert "Other B" in page(client, "lead", one)
    text = page(client, "lead", other)
    assert "Later" in text
    assert "One A" in text
    assert "2 Mar 2026, 10:00 CET" in text  # the lead itself
    assert text.count("Touchpoint: Form submission") == 2


def test_reps_see_only_their_own(client: Client, rep: User) -> None:
    account = AccountFactory(owner=rep)
    mine, other = LeadFactory(owner=rep, account=account), LeadFactory(owner=UserFactory(), account=account)
    client.force_login(rep)
    assert page(client, "lead", mine)
    assert client.get(address("lead", other)).status_code == 404
    assert client.get(address("deal", OpportunityFactory())).status_code == 404
    assert client.get(address("account", AccountFactory())).status_code == 404
    text = page(client, "account", account)
    assert other.last_name not in text
    for kind in ("campaign", "campaign-costs"):
        assert client.get(address(kind, CampaignFactory())).status_code == 404
    assert client.get(reverse("leads:history", args=["user", rep.public_id])).status_code == 404
    gone = OpportunityFactory(owner=rep)
    gone.delete()
    assert client.get(address("deal", gone)).status_code == 404


def test_a_campaign_and_its_costs(client: Client, director: User, company: Company) -> None:
    campaign: Campaign = CampaignFactory(name="Autumn")
    client.force_login(director)
    url = reverse("leads:campaign-costs", args=[campaign.public_id])
    for day, amount in enumerate(("100.00", "120.50")):
        with backdated(FIRST + day * DAY):
            client.post(url, {"first": "2026-10-01", "amount": amount, "currency": "EUR", "reason": ""})
    Campaign.objects.filter(pk=campaign.pk).update(name="Fall", budget_cents=500_000)
    for kind, has_name in (("campaign", True), ("campaign-costs", False)):
        text = page(client, kind, campaign)
        assert "Cost: 1 Oct 2026 · manual" in text
        assert "€100.00" in text
        assert "€120.50" in text
        assert "Allowed because: Marketing director" in text
        assert ("€5,000.00" in text) == has_name
    assert address("campaign-costs", campaign) in client.get(url).content.decode()


def test_an_account_tells_which_deals_came_and_went(client: Client, sales_leader: User) -> None:
    with backdated(FIRST):
        account = AccountFactory(name="Acme")
        deal = OpportunityFactory(name="Big deal", account=account)
        LeadFactory(account=account, first_name="Ada", last_name="Byron")
    with backdated(FIRST + DAY):
        Opportunity.objects.filter(pk=deal.pk).update(name="Bigger deal")
    with backdated(FIRST + 2 * DAY):
        Opportunity.objects.filter(pk=deal.pk).update(account=None)
    client.force_login(sales_leader)
    text = page(client, "account", account)
    assert text.count("Deal: Big deal") == 1  # as it came
    assert text.count("Deal: Bigger deal") == 1  # as it went; its new name is no news of the account
    assert "Lead: Ada Byron" in text
    assert address("account", account) not in client.get(deal.get_absolute_url()).content.decode()
    Opportunity.objects.filter(pk=deal.pk).update(account=account)
    assert address("account", account) in client.get(deal.get_absolute_url()).content.decode()


def test_many_changes_come_in_pages(client: Client, sales_leader: User, django_assert_max_num_queries: Any) -> None:
    with backdated(FIRST):
        deal = OpportunityFactory(amount_cents=0)
    for step in range(1, 231):
        with backdated(FIRST + step * timedelta(hours=1)), act("api", source="website", because="leads:write"):
            Opportunity.objects.filter(pk=deal.pk).update(amount_cents=step * 100)
    client.force_login(sales_leader)
    seen: list[str] = []
    for number in range(1, 17):
        with django_assert_max_num_queries(20):
            text = page(client, "deal", deal, page=number)
        seen += [f"€{step:,}.00" for step in range(230, 0, -1) if f"</span>€{step:,}.00</span>" in text]
    assert "1–15 of 231 changes" in page(client, "deal", deal)
    firsts = list(dict.fromkeys(seen))
    assert firsts[:2] == ["€230.00", "€229.00"]
    assert len(firsts) == 230


def test_a_change_of_many_rows_shows_some_and_exports_all(client: Client, director: User) -> None:
    campaign = CampaignFactory()
    client.force_login(director)
    url = reverse("leads:campaign-costs", args=[campaign.public_id])
    client.post(url, {"first": "2026-10-01", "last": "2026-10-31", "amount": "310", "currency": "EUR", "reason": ""})
    text = page(client, "campaign-costs", campaign)
    assert text.count("Cost: ") == 20
    assert "And 11 more rows in the same change; the export lists all." in text
    lines = client.get(address("campaign-costs", campaign), {"export": "csv"}).content.decode().splitlines()
    assert sum(",Amount," in line for line in lines) == 31


def test_the_page_for_readers_names_every_door_and_kind() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "history.md").read_text()
    first, doors = text.split("## Doors")
    assert re.findall(r"^\| `([a-z-]+)` \|", first, re.MULTILINE) == list(KINDS)
    named = re.findall(r"^\| (\w[\w ]+) \|", doors.split("## Who")[0], re.MULTILINE)
    assert named == ["door", *DOORS.values()]
    assert set(DOORS) == set(Door)


def test_settings_of_notifications_tell_admins_who_changed_them(
    client: Client, admin_user: User, director: User
) -> None:
    with backdated(FIRST):
        channel = ChatDestination.objects.create(
            name="#revenue", kind="slack", url="https://hooks.slack.com/services/T0/B0/secret", created_at=FIRST,
            kinds=["weekly_report"],
        )  # fmt: skip
    with backdated(FIRST + DAY), act("page", actor=admin_user.pk, because="Admin"):
        channel.is_active = False
        channel.save(update_fields=["is_active"])
        for is_on in (True, True, False):
            choose(user=director, choices={("weekly_report", "email"): is_on}, at=FIRST)
    ChatDestination.objects.update(posted_at=FIRST)  # keeps the books

    client.force_login(admin_user)
    told = page(client, "chat-channel", channel)
    assert "2 changes" in told
    assert admin_user.name in told
    assert "Weekly report" in told
    assert "hooks.slack.com" not in told
    told = page(client, "recipient", director)
    assert "1 change " in told
    assert "Notification: Weekly report · Email" in told
    client.force_login(director)
    for kind, row in (("chat-channel", channel), ("recipient", director)):
        assert client.get(address(kind, row)).status_code == 404


def test_every_kind_of_record_is_called_by_its_name() -> None:
    assert {kind.model for kind in KINDS.values()} <= NAMED.keys()


def test_what_an_installation_was_made_with_has_no_date(client: Client, admin_user: User) -> None:
    with backdated(datetime(1970, 1, 1, tzinfo=UTC)):
        campaign = CampaignFactory()
    client.force_login(admin_user)
    told = page(client, "campaign", campaign)
    assert "Before history began" in told
    assert "1970" not in told
