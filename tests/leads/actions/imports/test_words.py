"""Accounts, owners, stages and consent: what the words of a file lead to."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from leads.actions.imports.file import map_columns, read_again, receive_file, start_import
from leads.actions.imports.rows import import_rows, rejected_table
from leads.models import Account, Assignment, Company, ImportMapping, Lead, Opportunity
from leads.pure.imports.fields import MappingRefused
from leads.pure.imports.table import Reading
from leads.pure.table_file import UnreadableFile, mark_again
from tests.leads.actions.imports.test_rows import AT, bring_in, counts
from tests.leads.factories import AccountFactory, LeadFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


def errors(run) -> list[tuple[str, str]]:
    return list(run.row_errors.order_by("line").values_list("field", "error"))


# --- accounts --------------------------------------------------------------------------------------------------------


def test_accounts_are_known_by_domain_else_by_name() -> None:
    AccountFactory(name="engines.example", domain="engines.example")
    AccountFactory(name="GTX Pro", domain=None)
    owner = UserFactory(name="Sam Rivers")
    text = (
        "account,website,sector,employees,office_location,owner\n"
        "Engines Ltd,https://www.engines.example/,Machines,51-200,Deutschland,Rivers\\, Sam\n"
        'GTXPro,,Retail,"1,200",United States,Sam Rivers\n'
        "Looms,looms.example,Textile,,Philippines,\n"
        "Looms,other-looms.example,,,,\n"
        "Nobody,,,,Utopia,\n"
        "Free,gmail.com,,,,\n"
    ).replace("\\,", " ")
    run = bring_in("accounts", text)
    assert counts(run) == (2, 2, 0, 2)
    assert [field for field, _ in errors(run)] == ["country", "domain"]
    engines = Account.objects.get(domain="engines.example")
    assert (engines.name, engines.country, engines.company_size, engines.owner) == ("Engines Ltd", "DE", 51, None)
    gtx = Account.objects.get(name="GTXPro")
    assert (gtx.company_size, gtx.country, gtx.owner) == (1200, "US", owner)
    assert Account.objects.filter(name="Looms").count() == 2
    assert counts(bring_in("accounts", text)) == (0, 0, 4, 2)


def test_empty_cells_of_an_account_erase_nothing() -> None:
    bring_in("accounts", "name,country,industry\nLooms,DE,Textile\n")
    assert counts(bring_in("accounts", "name,country,industry\nLOOMS,,-\n")) == (0, 1, 0, 0)
    account = Account.objects.get()
    assert (account.name, account.country, account.industry) == ("LOOMS", "DE", "Textile")


def test_a_name_that_several_accounts_bear_is_not_guessed() -> None:
    AccountFactory(name="Looms", domain="a.example")
    AccountFactory(name="Looms", domain="b.example")
    run = bring_in("accounts", "name,country\nLooms,DE\n")
    assert errors(run) == [("name", "2 accounts are named 'Looms'. Add a column with their domains.")]


# --- deals -----------------------------------------------------------------------------------------------------------


def test_deals_of_another_system() -> None:
    """No leads, own stage words, people and companies by name, no opening date on early deals."""
    looms = AccountFactory(name="Looms Inc.", domain="looms.example")
    sam, gone = UserFactory(name="Sam Rivers"), UserFactory(name="Gone Rep", is_active=False)
    text = (
        "id;sales_agent;product;account;deal_stage;engage_date;close_date;close_value\n"
        "1;sam rivers;MG Special;looms inc;Won;20/10/2026;01/11/2026;1.054,00\n"
        "2;Gone Rep;GTX Basic;;Lost;20/10/2026;02/11/2026;0\n"
        "3;Somebody;GTX Basic;Looms Inc.;Engaging;20/10/2026;;\n"
        "4;Sam Rivers;GTX Basic;Nowhere;Prospecting;;;\n"
    )
    stages = {"Prospecting": "qualification", "Engaging": "discovery"}
    run = bring_in("opportunities", text, stages=stages, opened="dates")
    assert counts(run) == (3, 0, 0, 1)
    assert errors(run)[0][0] == "account"
    run = bring_in("opportunities", text, stages=stages, opened="dates", create_accounts=True)
    assert counts(run) == (1, 0, 3, 0)
    won, lost, engaging, early = Opportunity.objects.select_related("stage", "account").order_by("external_id")
    assert (won.stage.key, won.amount_cents, won.account, won.owner) == ("won", 105_400, looms, sam)
    assert won.attributes == {"product": "MG Special", "sales_agent": "sam rivers"}
    assert (lost.stage.key, lost.owner) == ("lost", gone)
    opened = datetime(2026, 10, 19, 22, tzinfo=UTC)
    assert (engaging.stage.key, engaging.owner, engaging.stage_changed_at) == ("discovery", None, opened)
    assert engaging.attributes["sales_agent"] == "Somebody"
    assert (early.opened_at, early.account.name) == (AT, "Nowhere")


def test_an_open_deal_is_in_its_stage_since_the_day_the_file_gives() -> None:
    LeadFactory(external_id="m1", email=None, captured_at=AT - timedelta(days=90))
    text = "deal id,lead id,stage,opened,stage since\nd1,m1,Negotiation,2026-10-01,2026-10-20\n"
    bring_in("opportunities", text)
    deal = Opportunity.objects.get()
    assert deal.stage_changed_at == datetime(2026, 10, 19, 22, tzinfo=UTC)
    lines = list(deal.changes.order_by("changed_at").values_list("stage__key", "changed_at"))
    assert lines[-1] == ("negotiation", deal.stage_changed_at)


def test_a_deal_without_dates_and_lead_is_refused_unless_a_rule_is_chosen() -> None:
    run = bring_in("opportunities", "deal id,stage\nd1,Proposal\n")
    assert errors(run)[0][0] == "opened_at"


def test_a_name_of_two_people_finds_the_one_who_is_still_here() -> None:
    UserFactory(name="Sam Rivers", is_active=False)
    here = UserFactory(name="Sam Rivers")
    bring_in("opportunities", "deal id,owner,stage\nd1,Sam Rivers,Proposal\n", opened="dates")
    assert Opportunity.objects.get().owner == here


def test_an_account_by_its_domain() -> None:
    looms = AccountFactory(domain="looms.example")
    text = "deal id,company domain,stage\nd1,https://www.looms.example/x,Proposal\n"
    bring_in("opportunities", text, opened="dates")
    assert Opportunity.objects.get().account == looms


# --- leads -----------------------------------------------------------------------------------------------------------


def test_leads_with_stage_owner_and_consent() -> None:
    sam = UserFactory(name="Sam Rivers", email="sam@us.example")
    text = (
        "email,lifecycle stage,contact owner,consent,consent date,opt out,first contact\n"
        "ada@a.example,Sales Qualified Lead,Sam Rivers,Newsletter please,13/02/2026,no,01/02/2026\n"
        "bob@b.example,Lead,Sam@us.example,no,,yes,01/02/2026\n"
        "cy@c.example,Hot,,,,,01/02/2026\n"
    )
    run = bring_in("leads", text, stages={"Hot": "mql"})
    assert counts(run) == (3, 0, 0, 0)
    ada, bob, cy = Lead.objects.order_by("email")
    assert (ada.stage, ada.owner, ada.is_unsubscribed) == ("sql", sam, False)
    assert ada.consents.get().text == "Newsletter please"
    assert ada.consents.get().given_at == datetime(2026, 2, 12, 23, tzinfo=UTC)
    assert (bob.stage, bob.owner, bob.is_unsubscribed) == ("lead", sam, True)
    assert not bob.consents.exists()
    assert (cy.stage, cy.owner) == ("mql", None)
    assert Assignment.objects.get(lead=ada).because.endswith("names Sam Rivers")
    assert counts(bring_in("leads", text, stages={"Hot": "mql"})) == (0, 0, 3, 0)


def test_a_file_takes_no_lead_away_and_no_wish_back() -> None:
    other, _ = UserFactory(), UserFactory(name="Sam Rivers")
    LeadFactory(email="ada@a.example", owner=other, is_unsubscribed=True)
    bring_in("leads", "email,owner,unsubscribed\nada@a.example,Sam Rivers,no\n")
    lead = Lead.objects.get()
    assert (lead.owner, lead.is_unsubscribed) == (other, True)


def test_an_unknown_lifecycle_stage_leaves_out_its_row() -> None:
    run = bring_in("leads", "email,stage\nada@a.example,Customer\nbob@b.example,MQL\n")
    assert counts(run) == (1, 0, 0, 1)
    assert errors(run)[0] == ("stage", "'Customer' is no stage here. Say what it means: lead, mql, sal, sql.")


# --- how the file is read --------------------------------------------------------------------------------------------


def test_rejected_rows_mended_and_sent_again_lose_nothing() -> None:
    text = (
        "email,company,phone,notes\n"
        "nobody,=Foo GmbH,+49 30 123 45,'quoted\n"
        "ada@a.example,-5 Degrees,@home 1,=1+1,too much\n"
    )
    run = bring_in("leads", text, keep_other_columns=True)
    assert counts(run) == (0, 0, 0, 2)
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[mark_again(cell) for cell in row] for row in rejected_table(run=run)])
    assert "too much" in out.getvalue()
    mended = out.getvalue().replace("nobody", "bob@b.example").replace(",too much", "")
    again = bring_in("leads", mended, keep_other_columns=True)
    assert counts(again) == (2, 0, 0, 0)
    bob, ada = Lead.objects.order_by("-email")
    assert (bob.company, bob.phone, bob.attributes) == ("=Foo GmbH", "+49 30 123 45", {"notes": "'quoted"})
    assert (ada.company, ada.phone, ada.attributes) == ("-5 Degrees", "@home 1", {"notes": "=1+1"})


def test_rejected_rows_that_come_back_are_read_as_their_import_was() -> None:
    sam = UserFactory(email="sam@us.example")
    text = "Report\nNr;Rep;Phase;Since;Sum\n1;Sam;Hot;13/02/2026;lots\n2;Sam;Hot;3/4/2026;1,5\n"
    columns = {"external_id": "Nr", "owner": "Rep", "stage": "Phase", "opened_at": "Since", "amount": "Sum"}
    run = receive_file(kind="opportunities", file_name="old crm.csv", content=text.encode(), by=None, at=AT)
    given = {"stages": {"Hot": "proposal"}, "owners": {"Sam": "sam@us.example"}, "header_line": 2}
    map_columns(run=run, columns=columns, defaults={**given, "currency": "USD"})
    start_import(run=run, is_dry_run=False, by=None, at=AT)
    import_rows(run_id=run.pk, at=AT)
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[mark_again(cell) for cell in row] for row in rejected_table(run=run)])
    mended = out.getvalue().replace(",lots", ',"2,75"').encode("utf-8-sig")
    again = receive_file(kind="opportunities", file_name="mended.csv", content=mended, by=None, at=AT)
    assert again.columns == columns
    assert again.rows_total == 1
    assert Reading.of(again.defaults) == Reading("utf-8-sig", ",", 1)
    map_columns(run=again, columns=again.columns, defaults=again.defaults)
    start_import(run=again, is_dry_run=False, by=None, at=AT)
    import_rows(run_id=again.pk, at=AT)
    deal = Opportunity.objects.get(external_id="1")
    assert (deal.amount_cents, deal.currency, deal.owner, deal.stage.key) == (275, "USD", sam, "proposal")
    assert receive_file(kind="accounts", file_name="mended.csv", content=mended, by=None, at=AT).columns == {}


def test_rounded_amounts_and_rows_of_several_lines_are_told() -> None:
    LeadFactory(email="ada@a.example")
    text = "id,lead email,opened,amount,name\n1,ada@a.example,2026-01-01,10.129,Looms\n"
    run = bring_in("opportunities", text, decimal=".")
    assert counts(run) == (1, 0, 0, 0)
    assert run.notices == {"count": 1, "first": ["Line 2: 10.129 was rounded to 10.13 EUR."]}
    deal = Opportunity.objects.get()
    assert (deal.amount_cents, deal.attributes["amount"]) == (1013, "10.129")
    text = 'email,company\nada@a.example,"Engines\nbob@b.example,Bolts"\ncy@c.example,"Two\nlines"\n'
    run = bring_in("leads", text)
    assert run.notices["count"] == 1
    assert run.notices["first"][0].startswith("Lines 2 to 3 are read as one row, because a quotation mark opens")


def test_further_columns_of_accounts_are_kept() -> None:
    run = bring_in("accounts", "name,domain,tier\nLooms,looms.example,gold\n", keep_other_columns=True)
    assert counts(run) == (1, 0, 0, 0)
    text = "name,domain,tier,since\nLooms,looms.example,,2019\n"
    assert counts(bring_in("accounts", text, keep_other_columns=True)) == (0, 1, 0, 0)
    assert counts(bring_in("accounts", text, keep_other_columns=True)) == (0, 0, 1, 0)
    assert Account.objects.get().attributes == {"tier": "gold", "since": "2019"}


@pytest.mark.parametrize("kind", ["leads", "accounts", "opportunities", "costs"])
def test_an_unclosed_quote_refuses_files_of_every_kind(kind: str) -> None:
    content = b'email,company\nada@a.example,"Engines\nbob@b.example,Bolts\ncy@c.example,Cogs'
    with pytest.raises(UnreadableFile, match="Line 2: a quotation mark"):
        receive_file(kind=kind, file_name="file.csv", content=content, by=None, at=AT)


def test_days_that_could_be_two_are_asked_for() -> None:
    content = b"email,date\nada@a.example,3/4/2026\n"
    run = receive_file(kind="leads", file_name="file.csv", content=content, by=None, at=AT)
    with pytest.raises(MappingRefused, match="'3/4/2026' could be two days") as refused:
        map_columns(run=run, columns=run.columns, defaults={})
    assert refused.value.field == "dates"
    map_columns(run=run, columns=run.columns, defaults={"dates": "mdy"})
    assert run.defaults["dates"] == "mdy"


def test_amounts_that_could_be_two_are_asked_for() -> None:
    content = b"campaign;date;amount\nspring;2026-02-01;1.234\n"
    run = receive_file(kind="costs", file_name="file.csv", content=content, by=None, at=AT)
    with pytest.raises(MappingRefused, match=r"'1\.234' could be two amounts"):
        map_columns(run=run, columns=run.columns, defaults={})


def test_another_way_to_read_a_file_guesses_its_columns_anew() -> None:
    content = "Report;Müller\nemail;name\nada@a.example;Ada\nbob@b.example;Bo\n".encode("mac_roman")
    run = receive_file(kind="leads", file_name="file.csv", content=content, by=None, at=AT)
    assert run.columns == {"email": "email", "name": "name"}
    assert run.rows_total == 2
    table = read_again(run=run, reading=Reading("cp1252", ";", 1))
    assert table.header == ("Report", "MŸller")
    assert run.columns == {}
    assert Reading.of(run.defaults) == Reading("cp1252", ";", 1)


def test_everything_is_saved_with_the_mapping() -> None:
    UserFactory(email="sam@us.example")
    content = "Report\nid;owner;stage;opened;amount\n1;Sam;Hot;13/02/2026;1,5\n".encode("cp1252")
    run = receive_file(kind="opportunities", file_name="file.csv", content=content, by=None, at=AT)
    given = {"stages": {"Hot": "proposal"}, "owners": {"Sam": "sam@us.example"}}
    map_columns(run=run, columns=run.columns, defaults=given, save_as="Old CRM")
    assert ImportMapping.objects.get().defaults == {
        "encoding": "utf-8-sig",
        "delimiter": ";",
        "header_line": 2,
        "dates": "dmy",
        "decimal": ",",
        **given,
    }


@pytest.mark.parametrize(
    "given",
    [
        {"stages": {"Hot": "nowhere"}},
        {"owners": {"Sam": "nobody@us.example"}},
        {"dates": "dym"},
        {"decimal": "'"},
        {"opened": "never"},
        {"currency": "XYZ"},
    ],
)
def test_settings_that_mean_nothing_are_refused(company: Company, given: dict) -> None:
    run = receive_file(kind="opportunities", file_name="f.csv", content=b"id,stage\n1,Won\n", by=None, at=AT)
    with pytest.raises(MappingRefused):
        map_columns(run=run, columns=run.columns, defaults=given)
