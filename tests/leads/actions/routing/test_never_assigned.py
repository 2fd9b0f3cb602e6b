"""Away, inactive, off-hours or full reps never receive a lead, over random rules, calendars and deactivations.

What each rep could take is judged here from the rows alone, without the code under test.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import holidays
import pytest

from leads.actions.lead_changes import LeadChanges
from leads.actions.routing.assign_lead import assign_leads
from leads.models import (
    Assignment,
    Company,
    Lead,
    RepAbsence,
    RepCapacity,
    RepHours,
    Territory,
    TerritoryRep,
    User,
)
from leads.queries.in_force import in_force
from tests.leads.factories import AccountFactory, LeadFactory, TerritoryFactory, UserFactory, rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
COUNTRIES = ("DE", "FR", "SE", "US", "BR")
ZONES = ("", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland")
START = datetime(2026, 12, 23, 7, tzinfo=UTC)


def world(rng: Random) -> list[User]:
    """Territories, rules and reps, all drawn."""
    Company.objects.update(holiday_country=rng.choice(["", "DE"]))
    territories = [Territory.objects.get(is_catch_all=True), *(TerritoryFactory() for _ in range(3))]
    for territory in territories:
        Territory.objects.filter(pk=territory.pk).update(off_hours=rng.choice(["assign", "wait", "next"]))
    for position in range(1, rng.randint(1, 6)):
        rule(
            rng.choice(territories),
            position,
            country=rng.sample(COUNTRIES, rng.randint(1, 2)),
            is_active=rng.random() < 0.8,
        )
    reps = [UserFactory(is_active=rng.random() < 0.85) for _ in range(6)]
    for rep in reps:
        if rng.random() < 0.15:
            User.objects.filter(pk=rep.pk).update(left_crm_at=START)
        for territory in rng.sample(territories, rng.randint(0, 3)):
            TerritoryRep.objects.create(territory=territory, rep=rep, weight=rng.randint(1, 3))
        if rng.random() < 0.5:
            RepCapacity.objects.create(rep=rep, open_leads=rng.randint(0, 4))
        for _ in range(rng.randint(0, 2)):
            first = (START + timedelta(days=rng.randint(-2, 5))).date()
            RepAbsence.objects.create(rep=rep, starts_on=first, ends_on=first + timedelta(days=rng.randint(0, 2)))
        if rng.random() < 0.7:
            opens = rng.choice([None, time(6), time(12)])
            RepHours.objects.create(
                rep=rep,
                time_zone=rng.choice(ZONES),
                weekdays=rng.choice([[], [0, 1, 2], [5, 6], [2, 3, 4]]),
                opens=opens,
                closes=opens and time(20),
                holiday_country=rng.choice(["", "US", "FR"]),
            )
    return reps


def judged(rep: User, at: datetime, company: Company) -> tuple[bool, bool]:
    """Whether a rep could take a lead on that day at all, and whether they are at work at that moment."""
    rep = User.objects.get(pk=rep.pk)
    own = RepHours.objects.filter(rep=rep).first() or RepHours()
    there = at.astimezone(ZoneInfo(own.time_zone or company.time_zone))
    day: date = there.date()
    is_away = RepAbsence.objects.filter(rep=rep, starts_on__lte=day, ends_on__gte=day).exists()
    capacity = RepCapacity.objects.filter(rep=rep).first()
    is_full = capacity is not None and Lead.objects.open().filter(owner=rep).count() >= capacity.open_leads
    country = own.holiday_country or company.holiday_country
    is_holiday = bool(country) and day in holidays.country_holidays(country, years=day.year)
    opens, closes = (own.opens, own.closes) if own.opens else (company.business_opens, company.business_closes)
    is_at_work = (
        day.weekday() in (own.weekdays or company.business_weekdays)
        and not is_holiday
        and opens <= there.time() < closes
    )
    return rep.is_active and rep.left_crm_at is None and not is_away and not is_full, is_at_work


@pytest.mark.parametrize("seed", range(40))
def test_only_reps_who_can_take_a_lead_get_one(seed: int) -> None:
    rng = Random(seed)
    reps, company = world(rng), Company.current()
    accounts = [AccountFactory(owner=rng.choice([None, *reps])) for _ in range(4)]
    at = START
    for _ in range(15):
        at += timedelta(hours=rng.randint(0, 9), minutes=rng.randint(0, 59))
        if rng.random() < 0.1:
            User.objects.filter(pk=rng.choice(reps).pk).update(is_active=False)
        lead = LeadFactory(country=rng.choice(COUNTRIES), account=rng.choice([None, *accounts]), captured_at=at)
        could = {rep.pk: judged(rep, at, company) for rep in reps}
        lead = Lead.objects.select_related("account", "owner", "territory").get(pk=lead.pk)

        without = assign_leads(leads=[lead], at=at, settings=in_force())

        log = Assignment.objects.get(lead=lead)
        assert log.because
        assert log.territory is not None
        there = [share.rep_id for share in log.territory.reps.all()]
        able = [pk for pk in there if could[pk][0]]
        at_work = [pk for pk in able if could[pk][1]]
        lead.refresh_from_db()
        assert (lead.pk in without) == (lead.owner_id is None)
        match log.territory.off_hours:
            case "assign":
                allowed = able
            case "wait":
                allowed = at_work
            case _:
                allowed = at_work or able
        if lead.owner_id is None:
            assert set(allowed) <= {pk for pk in able if not at_work and log.territory.off_hours == "next"}
            assert {entry["rep"] for entry in log.passed_over} >= {str(User.objects.get(pk=pk)) for pk in there}
        else:
            assert lead.owner_id in allowed
        if log.territory.off_hours == "wait" and able and not at_work:
            starts = without[lead.pk]
            assert starts is None or starts > at


def test_a_lead_waits_until_a_rep_starts() -> None:
    from leads.actions.intake import finish_intake, run_intake

    territory = Territory.objects.get(is_catch_all=True)
    Territory.objects.update(off_hours="wait")
    rep = UserFactory(name="Jana Weber")
    TerritoryRep.objects.create(territory=territory, rep=rep)
    night = datetime(2026, 11, 16, 3, 50, tzinfo=UTC)  # 04:50 in Berlin
    lead = LeadFactory(captured_at=night)
    Lead.objects.filter(pk=lead.pk).update(intake_due_at=night)

    run_intake(lead_ids=[lead.pk], at=night)
    lead.refresh_from_db()
    assert lead.owner is None
    assert Assignment.objects.get().because == (
        "no rule holds, so everywhere else; nobody is at work; waits until Mon 16 Nov 09:00"
    )
    # Sooner, too: somebody may come back from leave.
    assert lead.intake_due_at == night + timedelta(minutes=15)
    opening = datetime(2026, 11, 16, 8, tzinfo=UTC)
    Lead.objects.update(intake_due_at=opening)
    finish_intake(at=opening)
    lead.refresh_from_db()
    assert lead.owner == rep


def test_whoever_starts_first_gets_it_at_night() -> None:
    territory = Territory.objects.get(is_catch_all=True)
    Territory.objects.update(off_hours="next")
    for name, zone in (("Astrid Berg", "Europe/Stockholm"), ("Kim Sato", "Asia/Tokyo")):
        rep = UserFactory(name=name)
        RepHours.objects.create(rep=rep, time_zone=zone)
        TerritoryRep.objects.create(territory=territory, rep=rep)
    night = datetime(2026, 11, 15, 22, tzinfo=UTC)
    assign_leads(leads=[LeadFactory(captured_at=night)], at=night, settings=in_force())
    log = Assignment.objects.get()
    assert str(log.owner) == "Kim Sato"
    assert log.because.endswith("nobody is at work; Kim Sato starts first, Mon 16 Nov 09:00")
    assert log.passed_over == [{"rep": "Astrid Berg", "why": "is not at work until Mon 16 Nov 09:00"}]


def test_the_service_level_counts_the_owners_hours() -> None:
    from leads.actions.follow_up.plan_follow_up import plan_follow_ups

    rep = UserFactory()
    RepHours.objects.create(rep=rep, time_zone="America/New_York", holiday_country="US")
    eve = datetime(2026, 11, 25, 21, tzinfo=UTC)  # 16:00 in New York, the day before Thanksgiving
    lead = LeadFactory(owner=rep, stage="mql")
    promise = plan_follow_ups(leads=[lead], at=eve, company=Company.current(), changes=LeadChanges(eve))[0]
    # One hour is left; Thursday is a holiday; three hours on Friday from 9:00.
    assert promise.due_at == datetime(2026, 11, 27, 17, tzinfo=UTC)
