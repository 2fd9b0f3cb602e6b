"""The engine: counts, errors, repeats, dry runs, and going on after being killed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.actions.imports import rows as engine
from leads.actions.imports.file import ImportRefused, map_columns, receive_file, resume_import, start_import
from leads.actions.imports.rows import import_rows, rejected_table, unfinished_imports
from leads.models import (
    CampaignCost,
    ImportRun,
    JobRun,
    Lead,
    LeadEvent,
    LeadScore,
    LifecyclePassage,
    Opportunity,
    Touchpoint,
)
from tests.leads.factories import CampaignFactory, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def prepare(kind: str, text: str, is_dry_run: bool = False, **defaults: Any) -> ImportRun:
    run = receive_file(kind=kind, file_name="file.csv", content=text.encode(), by=None, at=AT)
    map_columns(run=run, columns=run.columns, defaults=defaults)
    start_import(run=run, is_dry_run=is_dry_run, by=None, at=AT)
    return run


def bring_in(kind: str, text: str, is_dry_run: bool = False, batch: int = 1000, at: datetime = AT, **defaults: Any):
    run = prepare(kind, text, is_dry_run, **defaults)
    import_rows(run_id=run.pk, at=at, batch=batch)
    run.refresh_from_db()
    assert run.job.state == "done", run.job.message
    assert run.next_row == run.rows_total == run.job.done
    return run


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.rows_created, run.rows_updated, run.rows_unchanged, run.rows_rejected


def people(count: int, origin: str = "email") -> str:
    rows = [f"{n},2026-02-{n % 28 + 1:02d},{origin}" for n in range(count)]
    return "\n".join(["id,date,origin", *rows]) + "\n"


def everything() -> list[int]:
    models = (Lead, Touchpoint, LifecyclePassage, LeadEvent, LeadScore, Opportunity)
    return [model.objects.count() for model in models]


@pytest.mark.parametrize(
    ("kind", "table", "text", "settings"),
    [
        ("leads", "leads_lead", "email,date,owner\nada@a.example,2026-02-01,rep@x.example\n", {"stage": "mql"}),
        ("opportunities", "leads_opportunity", "id,opened,closed\nd1,2026-02-01,2026-03-01\n", {"status": "won"}),
    ],
)
def test_what_is_new_is_written_once(
    company: object, kind: str, table: str, text: str, settings: dict[str, str]
) -> None:
    UserFactory(email="rep@x.example")
    with CaptureQueriesContext(connection) as asked:
        run = bring_in(kind, text, **settings)
    assert counts(run) == (1, 0, 0, 0)
    statements = [each["sql"] for each in asked.captured_queries]
    assert len([sql for sql in statements if f'INSERT INTO "{table}"' in sql]) == 1
    assert not [sql for sql in statements if sql.startswith(f'UPDATE "{table}"')]


def test_a_lead_with_its_touch_score_and_passages(company: object) -> None:
    run = bring_in(
        "leads",
        "email,company,date,origin,campaign\nada@engines.example,Engines,2026-02-01,paid search,Spring\n",
        stage="sql",
    )
    assert counts(run) == (1, 0, 0, 0)
    lead = Lead.objects.select_related("account", "channel", "campaign").get()
    assert (lead.account.name, lead.channel.key, lead.campaign.code, lead.stage) == (
        "Engines",
        "paid-search",
        "spring",
        "sql",
    )
    midnight = datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert lead.captured_at == midnight
    assert lead.intake_due_at is None
    assert lead.owner is None
    assert lead.scores.get().total == lead.score == 5  # a business e-mail
    touch = lead.touchpoints.get()
    assert (touch.kind, touch.occurred_at, touch.recorded_at) == ("import", midnight, AT)
    steps = lead.passages.order_by("pk").values_list("to_stage", "passed_at", "is_inferred")
    assert list(steps) == [
        ("lead", midnight, False),
        ("mql", midnight, True),
        ("sal", midnight, True),
        ("sql", midnight, False),
    ]


def test_repeating_a_file_changes_nothing_also_the_next_day_and_without_dates(company: object) -> None:
    text = "external id,name,origin\na,Ada Byron,email\nb,Bob,social\n"
    assert counts(bring_in("leads", text, stage="mql")) == (2, 0, 0, 0)
    before = everything()
    assert counts(bring_in("leads", text, at=AT + timedelta(days=1), stage="mql")) == (0, 0, 2, 0)
    assert everything() == before
    assert counts(bring_in("leads", text.replace("Bob", "Bert"), stage="mql")) == (0, 1, 1, 0)


def test_an_old_file_does_not_bring_back_whom_sales_sent_away(company: object) -> None:
    bring_in("leads", people(1), stage="mql")
    Lead.objects.update(stage="recycled")
    bring_in("leads", people(1), stage="mql")
    assert Lead.objects.get().stage == "recycled"


def test_handing_over_leaves_the_leads_to_intake(company: object) -> None:
    bring_in("leads", people(2), needs_intake=True)
    assert Lead.objects.awaiting_intake().count() == 2


def test_rejected_rows_are_kept_with_line_field_and_reason(company: object) -> None:
    text = 'id,email,date,notes\n1,ada@x.example,2026-02-01,"=cmd()"\n2,nobody,2026-02-01,=1+1\n1,,2026-02-02,\n4,a\n'
    run = bring_in("leads", text, keep_other_columns=True)
    assert counts(run) == (1, 0, 0, 3)
    errors = list(run.row_errors.order_by("line").values_list("line", "field", "error"))
    assert [(line, field) for line, field, _ in errors] == [(3, "email"), (4, ""), (5, "")]
    assert errors[1][2] == "Line 2 has the same external id."
    table = list(rejected_table(run=run))
    assert table[0] == ["rejected line", "rejected because", "rejected from import", "id", "email", "date", "notes"]
    assert table[1][3:] == ["2", "nobody", "2026-02-01", "=1+1"]
    assert Lead.objects.get().attributes == {"notes": "=cmd()"}


def test_a_contradiction_with_what_is_known_is_rejected(company: object) -> None:
    LeadFactory(email="ada@x.example", external_id="other")
    run = bring_in("leads", "id,email\n1,ada@x.example\n2,bob@x.example\n")
    assert counts(run) == (1, 0, 0, 1)
    assert run.row_errors.get().field == "external_id"


@pytest.mark.parametrize("kind", ["leads", "opportunities", "costs"])
def test_a_dry_run_counts_alike_and_keeps_nothing(company: object, kind: str) -> None:
    LeadFactory(external_id="1", email=None)
    CampaignFactory(code="spring")
    text = {
        "leads": "id,date\n1,2026-02-01\n2,2026-02-01\n3,nonsense\n",
        "opportunities": "deal id,lead id,amount,stage\nd1,1,5.00,Proposal\nd2,9,5.00,Proposal\n",
        "costs": "campaign,date,amount\nspring,2026-02-01,5\nautumn,2026-02-01,5\n",
    }[kind]
    before = [*everything(), CampaignCost.objects.count()]
    tried = bring_in(kind, text, is_dry_run=True, batch=2)
    assert [*everything(), CampaignCost.objects.count()] == before
    assert counts(bring_in(kind, text)) == counts(tried)
    assert [*everything(), CampaignCost.objects.count()] != before


def test_after_a_dry_run_the_same_file_is_imported_once(company: object) -> None:
    run = bring_in("leads", people(3), is_dry_run=True)
    start_import(run=run, is_dry_run=False, by=None, at=AT)
    with pytest.raises(ImportRefused):
        start_import(run=run, is_dry_run=False, by=None, at=AT)
    with pytest.raises(ImportRefused):
        map_columns(run=run, columns=run.columns, defaults={})
    import_rows(run_id=run.pk, at=AT)
    assert import_rows(run_id=run.pk, at=AT) is None
    assert Lead.objects.count() == 3


class Killed(BaseException):
    """What no handler catches, as with kill -9."""


def test_a_killed_run_goes_on_where_it_stood(company: object, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepare("leads", people(25) + "7,2026-03-01,social\n")

    def die(state: ImportRun) -> None:
        if state.next_row == 20:
            raise Killed

    with pytest.raises(Killed):
        import_rows(run_id=run.pk, at=AT, batch=10, on_batch=die)
    assert Lead.objects.count() == 20
    now = datetime.now(UTC)
    assert unfinished_imports(at=now) == []  # its worker may still live
    assert import_rows(run_id=run.pk, at=now) is None
    later = now + timedelta(minutes=3)
    assert unfinished_imports(at=later) == [run.pk]
    import_rows(run_id=run.pk, at=later, batch=10)
    run.refresh_from_db()
    assert counts(run) == (25, 0, 0, 1)  # the repeated id is known from before the kill
    assert (Lead.objects.count(), Touchpoint.objects.count()) == (25, 25)


def test_of_two_workers_the_slower_one_gives_up(company: object) -> None:
    run = prepare("leads", people(30))

    def overtaken(state: ImportRun) -> None:
        if state.next_row == 10:
            import_rows(run_id=run.pk, at=datetime.now(UTC) + timedelta(minutes=3), batch=10)

    assert import_rows(run_id=run.pk, at=AT, batch=10, on_batch=overtaken) is None
    run.refresh_from_db()
    assert (counts(run), run.job.state, Lead.objects.count()) == ((30, 0, 0, 0), "done", 30)


def test_a_run_that_fails_says_so_and_can_go_on(company: object, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepare("leads", people(20))
    real, calls = engine.import_leads, []

    def fail_once(**given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return real(**given)

    monkeypatch.setattr(engine, "import_leads", fail_once)
    import_rows(run_id=run.pk, at=AT, batch=10)
    job = JobRun.objects.get(import_run=run)
    assert (job.state, job.done, Lead.objects.count()) == ("failed", 10, 10)
    assert job.message.startswith("Stopped after row 10: ZeroDivisionError")
    resume_import(run=run)
    import_rows(run_id=run.pk, at=AT, batch=10)
    run.refresh_from_db()
    assert (counts(run), Lead.objects.count()) == ((20, 0, 0, 0), 20)


# --- opportunities ---------------------------------------------------------------------------------------------------


def test_deals_find_their_people_owner_and_stage(company: object) -> None:
    lead = LeadFactory(external_id="m1", email="ada@x.example", company="Engines", captured_at=AT - timedelta(days=90))
    owner = UserFactory(email="sam@us.example")
    text = (
        "deal id,mql_id,email,opened,closed,stage,amount,currency,owner,color\n"
        "d1,m1,,2026-10-01,2026-11-01 12:00,Closed Won,1000.50,EUR,Sam@us.example,red\n"
        "d2,,ada@x.example,2026-10-05,2026-12-24,Negotiation,20,,,\n"
        "d3,m9,,,,,,,,\n"
        "d4,m1,,,2026-11-01,,,,,\n"
        "d5,m1,,,,lost,,,,\n"
        "d6,m1,,,,tomorrow,,,,\n"
    )
    run = bring_in("opportunities", text, keep_other_columns=True)
    assert counts(run) == (2, 0, 0, 4)
    fields = list(run.row_errors.order_by("line").values_list("field", flat=True))
    assert fields == ["lead_external_id", "stage", "closed_at", "stage"]
    won, still = Opportunity.objects.select_related("stage").order_by("external_id")
    assert (won.name, won.stage.key, won.status, won.owner_id) == ("Engines", "won", "won", owner.pk)
    assert (won.amount_cents, won.reporting_cents, won.attributes) == (
        100_050,
        100_050,
        {"owner": "Sam@us.example", "color": "red"},
    )
    assert [change.stage.key for change in won.changes.order_by("changed_at")] == ["qualification", "won"]
    assert (still.stage.key, still.expected_close_on, still.closed_at) == ("negotiation", date(2026, 12, 24), None)
    lead.refresh_from_db()
    assert lead.stage == "customer"
    before = everything()
    assert counts(bring_in("opportunities", text, keep_other_columns=True)) == (0, 0, 2, 4)
    assert everything() == before
    text = text.replace("Negotiation,20,", "Closed Won,30,").replace("2026-12-24", "2026-11-20")
    assert counts(bring_in("opportunities", text, keep_other_columns=True)) == (0, 1, 1, 4)
    still.refresh_from_db()
    assert (still.status, still.amount_cents) == ("won", 3000)


def test_an_unknown_opening_is_the_first_contact(company: object) -> None:
    lead = LeadFactory(external_id="m1", email=None, captured_at=AT - timedelta(days=30))
    bring_in("opportunities", "mql_id,won_date\nm1,2026-11-11\n", status="won")
    deal = Opportunity.objects.get()
    assert (deal.external_id, deal.opened_at) == ("deal of m1", lead.captured_at)


# --- costs -------------------------------------------------------------------------------------------------------


def test_costs_are_added_replaced_and_left_alone(company: object) -> None:
    campaign = CampaignFactory(code="spring")
    assert counts(bring_in("costs", "campaign,date,cost\nSpring,2026-02-01,10.50\nspring,2026-02-02,0\n")) == (
        2,
        0,
        0,
        0,
    )
    text = "campaign,date,cost,currency\nspring,2026-02-01,11,\nspring,2026-02-02,0,\nspring,2026-02-03,5,USD\n"
    assert counts(bring_in("costs", text)) == (1, 1, 1, 0)
    rows = CampaignCost.objects.filter(campaign=campaign).order_by("spent_on")
    assert list(rows.values_list("amount_cents", "reporting_cents")) == [(1100, 1100), (0, 0), (500, None)]
    again = bring_in("costs", "campaign,date,cost\nspring,2026-02-01,1\nspring,2026-02-01,2\n")
    assert again.row_errors.get().error == "Line 2 has the same campaign and day."
