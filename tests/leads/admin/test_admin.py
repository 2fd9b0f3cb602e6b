"""Admins work with territories, campaigns and people in Django admin: every list and form opens, searches and saves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import CharField
from django.test import Client
from django.urls import reverse

from leads.admin.company import holiday
from leads.admin.list_filters import ValuesListFilter
from leads.models import ApiKey, Campaign, Company, ExchangeRate, ScoringRuleSet, Territory, User
from tests.leads.factories import (
    AccountFactory,
    CampaignFactory,
    LeadFactory,
    OpportunityFactory,
    TerritoryFactory,
    UserFactory,
    channel,
    rule,
)

OURS = [model for model in admin.site._registry if model._meta.app_label == "leads"]

ALL = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("leads", "attribution", "alignment", "integrations")
]


@pytest.fixture
def boss(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("query", ["", "?q=ada"])
def test_every_list_opens_and_searches(boss: Client, model: Any, query: str) -> None:
    LeadFactory()
    AccountFactory()
    CampaignFactory()
    OpportunityFactory()
    name = f"admin:leads_{model._meta.model_name}_changelist"
    query = query if admin.site._registry[model].search_fields else ""
    assert boss.get(reverse(name) + query).status_code == 200


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_no_filter_of_text_offers_a_link_without_a_text(model: Any) -> None:
    """Choices and relations have labels; the values of a free text may be empty."""
    for each in admin.site._registry[model].list_filter:
        name, how = each if isinstance(each, tuple) else (each, None)
        if isinstance(name, str) and "__" not in name:
            field = model._meta.get_field(name)
            if isinstance(field, CharField) and not field.choices:
                assert how is ValuesListFilter, name


def test_an_empty_value_of_a_filter_has_a_name(boss: Client) -> None:
    AccountFactory(industry="")
    AccountFactory(industry="Software")
    page = boss.get(reverse("admin:leads_account_changelist")).content.decode()
    assert re.search(r'href="\?industry="[^>]*>\s*Not set\s*<', page)


@pytest.mark.parametrize("name", ["lead", "account", "campaign", "opportunity", "territory", "user"])
def test_every_form_opens(boss: Client, name: str) -> None:
    rows: dict[str, Any] = {
        "lead": LeadFactory,
        "account": AccountFactory,
        "campaign": CampaignFactory,
        "opportunity": OpportunityFactory,
        "territory": TerritoryFactory,
        "user": UserFactory,
    }
    assert boss.get(reverse(f"admin:leads_{name}_change", args=[rows[name]().pk])).status_code == 200


def test_a_territory_is_made_with_what_happens_off_hours(boss: Client) -> None:
    form = {"name": "DACH", "off_hours": "wait", "reps-TOTAL_FORMS": 0, "reps-INITIAL_FORMS": 0}
    answer = boss.post(reverse("admin:leads_territory_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    territory = Territory.objects.get(name="DACH")
    assert territory.off_hours == "wait"
    rule(territory, country=["DE", "AT"])
    page = boss.get(reverse("admin:leads_territory_change", args=[territory.pk])).content.decode()
    assert "rule 1: country is DE or AT" in page
    assert reverse("leads:territories") in page
    listed = boss.get(reverse("admin:leads_territoryrule_changelist")).content.decode()
    assert "country is DE or AT" in listed
    # Versions name the territories of their rules.
    delete = reverse("admin:leads_territory_delete", args=[territory.pk])
    assert boss.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("text", ["2026-W05", "2026W05", "2026-02-30"])
def test_a_holiday_is_a_day(text: str) -> None:
    with pytest.raises(ValueError, match="day"):
        holiday(text)


def test_what_is_no_currency_is_refused(boss: Client) -> None:
    rate = {"currency": "XYZ", "valid_from": "2026-01-01", "rate": "0.9"}
    answer = boss.post(reverse("admin:leads_exchangerate_add"), rate)
    assert "is not the code of a currency" in answer.content.decode()
    assert boss.post(reverse("admin:leads_exchangerate_add"), {**rate, "currency": "usd"}).status_code == 302
    assert ExchangeRate.objects.get().currency == "USD"


def test_the_catch_all_stays(boss: Client) -> None:
    catch_all = Territory.objects.get(is_catch_all=True)
    assert boss.post(reverse("admin:leads_territory_delete", args=[catch_all.pk]), {"post": "yes"}).status_code == 403
    assert Territory.objects.filter(pk=catch_all.pk).exists()


def test_people_whom_records_name_are_not_deleted(boss: Client, admin_user: User) -> None:
    owner, unused = UserFactory(), UserFactory()
    deal = OpportunityFactory(owner=owner)
    for person, status in ((owner, 403), (admin_user, 403), (unused, 302)):
        answer = boss.post(reverse("admin:leads_user_delete", args=[person.pk]), {"post": "yes"})
        assert answer.status_code == status
    chosen = {"action": "delete_selected", "_selected_action": [owner.pk], "post": "yes"}
    assert boss.post(reverse("admin:leads_user_changelist"), chosen).status_code == 403
    deal.refresh_from_db()
    assert deal.owner == owner
    assert not User.objects.filter(pk=unused.pk).exists()


def test_a_campaign_is_kept_in_lower_case_and_minor_units(boss: Client) -> None:
    parent = CampaignFactory()
    form = {
        "name": "Q4 brand",
        "code": "Q4-Brand",
        "channel": channel("paid-search").pk,
        "parent": parent.pk,
        "budget_cents": "1250.50",
        "currency": "eur",
    }
    answer = boss.post(reverse("admin:leads_campaign_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    campaign = Campaign.objects.get(code="q4-brand")
    assert (campaign.budget_cents, campaign.currency) == (125_050, "EUR")
    looped = boss.post(
        reverse("admin:leads_campaign_change", args=[parent.pk]), {**form, "code": parent.code, "parent": campaign.pk}
    )
    assert "cannot be below itself" in looped.content.decode()
    refused = boss.post(reverse("admin:leads_campaign_add"), {**form, "code": "other", "budget_cents": "12.345"})
    assert refused.status_code == 200
    assert not Campaign.objects.filter(code="other").exists()


def test_a_budget_without_hundredths_survives_a_look(boss: Client) -> None:
    campaign = CampaignFactory(currency="JPY", budget_cents=120_000)
    url = reverse("admin:leads_campaign_change", args=[campaign.pk])
    form = boss.get(url).context["adminform"].form
    assert form["budget_cents"].value() == "120000"
    given = {name: form[name].value() for name in form.fields}
    given |= {"costs-TOTAL_FORMS": "0", "costs-INITIAL_FORMS": "0"}
    answer = boss.post(url, {name: value for name, value in given.items() if value not in (None, False)})
    assert answer.status_code == 302, answer.context["errors"]
    campaign.refresh_from_db()
    assert campaign.budget_cents == 120_000


def test_scoring_rules_are_read_here_and_changed_on_their_page(boss: Client) -> None:
    active = ScoringRuleSet.objects.get(state="active")
    answer = boss.get(reverse("admin:leads_scoringruleset_change", args=[active.pk]))
    assert active.get_absolute_url() in answer.content.decode()
    assert boss.get(reverse("admin:leads_scoringruleset_add")).status_code == 403


def test_an_api_key_is_shown_once_and_kept_as_a_hash(boss: Client) -> None:
    answer = boss.post(reverse("admin:leads_apikey_add"), {"name": "Website", "scopes": ["leads:write"]}, follow=True)
    key = ApiKey.objects.get(name="Website")
    assert key.scopes == ["leads:write"]
    message = " ".join(str(message) for message in answer.context["messages"])
    assert f"{key.prefix}." in message
    plain = message[message.index(f"{key.prefix}.") :].split()[0].strip("\"'.")
    assert key.is_valid(plain)
    assert plain not in key.hashed_key
    assert plain not in boss.get(reverse("admin:leads_apikey_change", args=[key.pk])).content.decode()


def test_people_who_are_not_staff_stay_out(client: Client, sales_leader: User) -> None:
    client.force_login(sales_leader)
    assert client.get(reverse("admin:leads_lead_changelist")).status_code == 302


def test_a_user_is_made_with_a_role(boss: Client) -> None:
    form = {
        "email": "New.Rep@Portal.example",
        "name": "New Rep",
        "role": "sales_rep",
        "usable_password": "true",
        "password1": "a long enough phrase",
        "password2": "a long enough phrase",
    }
    answer = boss.post(reverse("admin:leads_user_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    assert User.objects.get(email="new.rep@portal.example").check_password("a long enough phrase")


def test_an_admin_by_role_manages_everything_and_other_staff_nothing(client: Client, db: None) -> None:
    for role, status in (("admin", 200), ("sales_leader", 403)):
        client.force_login(UserFactory(role=role, is_staff=True))
        assert client.get(reverse("admin:leads_territory_changelist")).status_code == status


def test_campaigns_nest_only_so_deep(boss: Client) -> None:
    chain = [CampaignFactory()]
    for _ in range(4):
        chain.append(CampaignFactory(parent=chain[-1]))
    form = {"name": "Sixth", "code": "sixth", "channel": channel("paid-search").pk, "currency": "EUR"}
    refused = boss.post(reverse("admin:leads_campaign_add"), {**form, "parent": chain[-1].pk})
    assert "nest at most 5 deep" in refused.content.decode()
    assert boss.post(reverse("admin:leads_campaign_add"), {**form, "parent": chain[-2].pk}).status_code == 302
    # Nor can a whole branch be hung up too deep.
    top = CampaignFactory()
    moved = boss.post(
        reverse("admin:leads_campaign_change", args=[chain[0].pk]), {**form, "code": "moved", "parent": top.pk}
    )
    assert "nest at most 5 deep" in moved.content.decode()


def test_the_company_means_a_method_that_is_computed(boss: Client) -> None:
    address = reverse("admin:leads_company_change", args=[1])
    form = boss.get(address).context["adminform"].form
    given = {name: form.initial[name] for name in form.fields if form.initial.get(name) is not None}
    given |= {name: ", ".join(map(str, given[name])) for name in given if isinstance(given[name], list)}
    for method, is_known in (("shapley", True), ("custom-gone", False), ("", False)):
        answer = boss.post(address, {**given, "default_method": method})
        assert answer.status_code == (302 if is_known else 200)
    assert Company.objects.get().default_method == "shapley"
