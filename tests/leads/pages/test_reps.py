"""Reps, their schedules, transfers, and what asks when somebody is deactivated."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import Company, FollowUp, Lead, RepAbsence, RepCapacity, RepHours, Transfer, User
from leads.tasks import sweep_transfers
from tests.leads.factories import LeadFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(client: Client, company: Company, sales_leader: User) -> Client:
    client.force_login(sales_leader)
    return client


@pytest.fixture
def ana(db: None) -> User:
    return UserFactory(name="Ana Ruiz")


def promised(lead: Lead) -> FollowUp:
    at = timezone.now()
    return FollowUp.objects.create(
        lead=lead, owner=lead.owner, because="MQL", planned_at=at, due_at=at - timedelta(hours=1)
    )


def test_the_panel_says_who_can_take_leads(leader: Client, ana: User) -> None:
    today = timezone.now().date()
    away, full = UserFactory(name="Ben Away"), UserFactory(name="Cem Full")
    RepAbsence.objects.create(rep=away, starts_on=today - timedelta(days=2), ends_on=today + timedelta(days=2))
    RepCapacity.objects.create(rep=full, open_leads=0)
    left = UserFactory(name="Lea Left", left_crm_at=timezone.now())
    promised(LeadFactory(owner=left, stage="mql"))
    answer = leader.get(reverse("leads:reps"))
    states = {row.rep.name: row.state for row in answer.context["rows"]}
    assert (states["Ben Away"], states["Cem Full"], states["Lea Left"]) == ("away", "full", "left_crm")
    page = answer.content.decode()
    assert "Lea Left</strong> is deactivated in the CRM and has 1 open lead and 1 open" in page
    assert "Ana Ruiz" in leader.get(reverse("leads:reps"), {"export": "csv"}).content.decode()
    listed = leader.get(reverse("leads:stranded"), {"owner": left.public_id}).content.decode()
    assert "Deactivated in the CRM" in listed
    assert not leader.get(reverse("leads:stranded"), {"owner": "nonsense"}).context["page"].object_list


def test_hours_capacity_and_days_away_are_set(leader: Client, ana: User) -> None:
    url = reverse("leads:rep-schedule", args=[ana.public_id])
    given = {
        "time_zone": "Europe/Vienna",
        "weekdays": ["0", "1"],
        "opens": "08:00",
        "closes": "14:00",
        "holiday_country": "DE",
        "holiday_region": "bayern",
        "capacity": "40",
    }
    assert leader.post(url, given).status_code == 302
    row = RepHours.objects.get(rep=ana)
    assert (row.time_zone, row.weekdays, row.opens) == ("Europe/Vienna", [0, 1], time(8))
    assert (row.holiday_country, row.holiday_region) == ("DE", "BY")
    assert RepCapacity.objects.get(rep=ana).open_leads == 40
    assert "Epiphany" in leader.get(url).content.decode()

    away = {"starts_on": "2027-03-01", "ends_on": "2027-03-05", "reason": "Skiing"}
    assert leader.post(reverse("leads:rep-absence-add", args=[ana.public_id]), away).status_code == 302
    absence = RepAbsence.objects.get(rep=ana)
    assert absence.ends_on == date(2027, 3, 5)
    again = leader.post(reverse("leads:rep-absence-add", args=[ana.public_id]), away)
    assert again.status_code == 422
    assert "there already" in again.content.decode()
    leader.post(reverse("leads:rep-absence-remove", args=[ana.public_id, absence.pk]))
    assert not RepAbsence.objects.exists()

    assert leader.post(url, {}).status_code == 302
    assert not RepHours.objects.exists()
    assert not RepCapacity.objects.exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"opens": "08:00"}, "Give both times"),
        ({"opens": "14:00", "closes": "08:00"}, "must end after"),
        ({"holiday_country": "DE", "holiday_region": "Mars"}, "no such region"),
        ({"holiday_region": "BY"}, "Choose a country"),
        ({"capacity": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_schedule_that_cannot_be_says_why(leader: Client, ana: User, given: dict[str, str], why: str) -> None:
    answer = leader.post(reverse("leads:rep-schedule", args=[ana.public_id]), given)
    assert answer.status_code == 422
    assert why in answer.content.decode()


def test_a_book_is_previewed_transferred_and_given_back(leader: Client, ana: User) -> None:
    jana = UserFactory(name="Jana Weber")
    leads = [LeadFactory(owner=ana, stage="mql") for _ in range(3)]
    promised(leads[0])
    url = reverse("leads:transfer-new")
    assert "Open follow-ups" in leader.get(url, {"rep": ana.public_id}).content.decode()
    given = {"rep": ana.public_id, "way": "person", "person": jana.pk, "reason": "Ana leaves"}

    seen = leader.post(url, {**given, "do": "preview"})
    assert seen.context["plan"].shares() == [(jana, 3)]
    assert not Transfer.objects.exists()

    answer = leader.post(url, {**given, "do": "transfer"}, follow=True)
    transfer = Transfer.objects.get()
    assert (transfer.leads, transfer.follow_ups) == (3, 1)
    assert "3 leads transferred." in answer.content.decode()
    assert "Jana Weber" in leader.get(transfer.get_absolute_url(), {"export": "csv"}).content.decode()
    assert "Ana leaves" in leader.get(reverse("leads:transfers")).content.decode()

    undo = reverse("leads:transfer-undo", args=[transfer.public_id])
    assert "Give a reason" in leader.post(undo, {"reason": ""}, follow=True).content.decode()
    leader.post(undo, {"reason": "She stays"})
    assert set(Lead.objects.values_list("owner", flat=True)) == {ana.pk}


def test_a_large_book_is_moved_by_a_worker(leader: Client, ana: User) -> None:
    jana = UserFactory(name="Jana Weber")
    for _ in range(101):
        LeadFactory(owner=ana)
    given = {"rep": ana.public_id, "way": "evenly", "people": [jana.pk], "reason": "x", "do": "transfer"}
    page = leader.post(reverse("leads:transfer-new"), given, follow=True).content.decode()
    transfer = Transfer.objects.get()
    assert "transfer-progress" in page
    progress = reverse("leads:transfer-progress", args=[transfer.public_id])
    assert "HX-Refresh" not in leader.get(progress).headers
    sweep_transfers()
    assert leader.get(progress)["HX-Refresh"] == "true"
    assert Lead.objects.filter(owner=jana).count() == 101


def test_chosen_leads_go_where_the_rules_say(leader: Client, ana: User) -> None:
    lead = LeadFactory(owner=ana)
    url = reverse("leads:transfer-new")
    assert leader.get(url).status_code == 404
    assert leader.get(url, {"lead": "nonsense"}).status_code == 404
    page = leader.get(url, {"lead": lead.public_id}).content.decode()
    assert lead.display_name in page
    answer = leader.post(url, {"lead": lead.public_id, "way": "person", "reason": "x", "do": "transfer"})
    assert answer.status_code == 422
    assert "Choose the person." in answer.content.decode()


def test_deactivating_asks_what_to_do_with_the_book(client: Client, admin_user: User, ana: User) -> None:
    client.force_login(admin_user)
    jana = UserFactory(name="Jana Weber")
    LeadFactory(owner=ana, stage="mql")
    form = reverse("admin:leads_user_change", args=[ana.pk])
    refused = client.post(form, {"email": ana.email, "name": ana.name, "role": ana.role})
    assert reverse("leads:person-deactivate", args=[ana.public_id]) in refused.content.decode()
    url = reverse("leads:person-deactivate", args=[ana.public_id])
    assert "Say who takes over" in client.get(url).content.decode()
    assert client.post(url, {"do": "deactivate"}).status_code == 422
    keep = {"way": "keep", "reason": "Her successor starts in May"}
    assert "What would move" in client.post(url, {**keep, "do": "preview"}).content.decode()
    assert client.post(url, {**keep, "do": "deactivate"}).status_code == 302
    assert Lead.objects.get().owner == ana
    assert "The book stays for now: Her successor starts in May." in client.get(reverse("leads:reps")).content.decode()
    User.objects.filter(pk=ana.pk).update(is_active=True)
    given = {"way": "person", "person": jana.pk, "reason": "Left", "do": "deactivate"}
    assert client.post(url, given).status_code == 302
    ana.refresh_from_db()
    assert (ana.is_active, ana.book_kept_because) == (False, "")
    assert Lead.objects.get().owner == jana
    assert (
        "cannot deactivate yourself"
        in client.get(reverse("leads:person-deactivate", args=[admin_user.public_id])).content.decode()
    )
    idle = UserFactory()
    assert (
        client.post(reverse("leads:person-deactivate", args=[idle.public_id]), {"do": "deactivate"}).status_code == 302
    )
