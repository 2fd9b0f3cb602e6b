"""Names are found by how they begin, in any case, along an index, among what a person may see."""

from __future__ import annotations

import pytest
from django.db import connection

from leads.models import Lead, User
from leads.models.prefix import LAST, PrefixKey
from leads.queries.search import find_accounts, find_campaigns, find_deals, find_leads, leads_of
from tests.leads.factories import AccountFactory, CampaignFactory, LeadFactory, OpportunityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Lead:
    LeadFactory(first_name="Grace", last_name="Hopper", company="Navy", email="grace@navy.example")
    return LeadFactory(
        first_name="Ada", last_name="Lovelace", company="Analytical Engines", email="ada.l@engines.example"
    )


def leads(text: str, user: User | None = None, limit: int = 5) -> list[str]:
    return [found.title for found in find_leads(text, user=user, limit=limit)]


@pytest.mark.parametrize(
    "text", ["ada", "ADA", "love", "Ada Lovelace", "lovelace ada", "analyt", "ada.l@eng", "ada ana", "  lo  ad "]
)
def test_a_lead_is_found_by_how_its_names_begin(ada: Lead, text: str) -> None:
    assert leads(text) == ["Ada Lovelace"]


@pytest.mark.parametrize("text", ["", " ", "a", "lace", "ada hopper", "%", "_da", "ada%"])
def test_what_begins_no_name_finds_nothing(ada: Lead, text: str) -> None:
    assert leads(text) == []


@pytest.mark.parametrize("text", ["öz", "Öz", "ÖZ", "öztürk", "ÖZTÜRK", "Łuk", "łuk"])
def test_letters_beyond_ascii_are_found_in_any_case(text: str) -> None:
    LeadFactory(first_name="Łukasz", last_name="Öztürk")
    assert leads(text) == ["Łukasz Öztürk"]


def test_a_company_of_several_words_is_found_as_it_is_written(ada: Lead) -> None:
    assert leads("Analytical En") == ["Ada Lovelace"]
    assert leads("analytical  ENGINES") == ["Ada Lovelace"]
    assert leads("engines") == []


def test_a_common_word_is_narrowed_by_a_rare_one(ada: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.queries.search.MOST_LOOKED_AT", 3)
    for _ in range(9):
        LeadFactory(first_name="Ada", last_name="Common")
    assert leads("ada love") == ["Ada Lovelace"]
    assert leads("commo lovel") == []


def test_an_external_id_is_found_as_it_is(db: None) -> None:
    LeadFactory(external_id="CRM-4711", first_name="Ada", last_name="Byron")
    assert leads("CRM-4711") == ["Ada Byron"]


def test_a_rep_finds_what_is_theirs(ada: Lead, rep: User, director: User) -> None:
    LeadFactory(first_name="Adam", last_name="Smith", owner=rep)
    account = AccountFactory(name="Adatum")
    AccountFactory(name="Adastra")
    LeadFactory(first_name="Eve", account=account, owner=rep)
    OpportunityFactory(name="Adatum renewal", account=account, owner=rep)
    OpportunityFactory(name="Adastra licence", owner=director)
    assert leads("ada", rep) == ["Adam Smith"]
    assert leads("ada", director) == ["Ada Lovelace", "Adam Smith"]
    assert [found.title for found in find_accounts("ada", user=rep, limit=5)] == ["Adatum"]
    assert [found.title for found in find_deals("ada", user=rep, limit=5)] == ["Adatum renewal"]
    assert len(find_deals("ada", user=director, limit=5)) == 2


def test_merged_leads_are_not_found(ada: Lead) -> None:
    LeadFactory(first_name="Adamant", merged_into=ada)
    assert leads("ada") == ["Ada Lovelace"]


def test_an_account_is_found_by_name_and_domain(db: None) -> None:
    AccountFactory(name="Initech", domain="initech.example")
    assert [found.title for found in find_accounts("INI", user=None, limit=5)] == ["Initech"]
    assert [found.title for found in find_accounts("initech.ex", user=None, limit=5)] == ["Initech"]


def test_a_deal_is_found_by_its_account(db: None) -> None:
    OpportunityFactory(name="Renewal 2027", account=AccountFactory(name="Initech"))
    assert [found.title for found in find_deals("initech", user=None, limit=5)] == ["Renewal 2027"]


def test_a_campaign_is_found_by_any_part(db: None) -> None:
    CampaignFactory(name="Brand Search UK", code="brand-search-uk")
    assert [found.title for found in find_campaigns("search brand", limit=5)] == ["Brand Search UK"]
    assert find_campaigns("s", limit=5) == []


def test_no_more_than_asked_for_are_found(db: None) -> None:
    for _ in range(9):
        LeadFactory(first_name="Ada")
    assert len(leads("ada", limit=5)) == 5


def test_who_sees_what_is_the_rule_of_every_page(ada: Lead, rep: User, director: User) -> None:
    LeadFactory(owner=rep)
    LeadFactory(owner=rep, merged_into=ada)
    for user in (rep, director):
        assert set(leads_of(user)) == set(Lead.objects.visible_to(user))
    assert set(leads_of(None)) == set(Lead.objects.live())


def plan(sql: str, params: tuple[object, ...]) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN '}{sql}", params)
        return " ".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize("field", ["last_name", "first_name", "email", "company"])
def test_each_field_is_read_along_its_index(ada: Lead, field: str) -> None:
    rows = leads_of(None).alias(key=PrefixKey(field)).filter(key__gte="ada", key__lt="ada" + LAST)
    sql, params = rows.order_by("key")[:5].query.sql_with_params()
    assert f"lead_{field}_prefix" in plan(sql, params)
