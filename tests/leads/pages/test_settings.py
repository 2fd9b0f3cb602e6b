"""Settings in the portal: the company with its changes, people invited by email, all of it for admins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.actions.notifications.deliver import send_emails
from leads.models import Company, ExchangeRate, Invitation, Notification, User
from tests.conftest import NOW
from tests.leads.factories import OpportunityFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def boss(client: Client, company: Company, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def company_form(**changes: object) -> dict[str, object]:
    return {
        "name": "Initech",
        "time_zone": "America/New_York",
        "currency": "usd",
        "fiscal_year_start_month": "4",
        "business_weekdays": ["0", "1", "2", "3"],
        "business_opens": "08:30",
        "business_closes": "17:00",
        "holidays": "2026-12-25",
        "follow_up_hours": "2",
        "look_back_days": "90",
        "default_method": "linear",
        "internal_domains": "initech.example",
        **changes,
    }


def test_an_admin_changes_the_company(boss: Client) -> None:
    assert boss.post(reverse("leads:company-settings"), company_form()).status_code == 302
    row = Company.current()
    assert (row.name, row.time_zone, row.currency) == ("Initech", "America/New_York", "USD")
    assert (row.fiscal_year_start_month, row.business_weekdays) == (4, [0, 1, 2, 3])
    assert (row.holidays, row.internal_domains) == (["2026-12-25"], ["initech.example"])
    assert (row.follow_up_hours, row.look_back_days) == (2, 90)


def test_changes_are_kept_with_who_made_them(boss: Client, admin_user: User) -> None:
    boss.post(reverse("leads:company-settings"), company_form())
    boss.post(reverse("leads:company-settings"), company_form(name="Initrode"))
    change = boss.get(reverse("leads:company-settings")).context["changes"][0]
    assert change["by"] == admin_user
    assert change["fields"] == [("name", "Initech", "Initrode")]


def test_another_time_zone_prices_by_the_rates_of_its_days(boss: Client) -> None:
    """23:30 in Berlin is still the day before in New York; rates of another currency keep the company's own."""
    boss.post(reverse("leads:company-settings"), company_form(time_zone="Europe/Berlin", currency="EUR"))
    for since, rate in (("2026-01-01", "0.8"), ("2026-11-11", "0.9")):
        ExchangeRate.objects.create(currency="USD", valid_from=since, rate=rate)
    answer = boss.post(reverse("leads:company-settings"), company_form(currency="GBP"))
    assert "The exchange rates on file are into EUR. Delete them first." in answer.content.decode()
    closed_at = datetime(2026, 11, 11, 0, 30, tzinfo=UTC)
    deal = OpportunityFactory(
        status="won", amount_cents=100_000, currency="USD", reporting_cents=90_000, closed_at=closed_at
    )
    boss.post(reverse("leads:company-settings"), company_form(currency="EUR"))
    deal.refresh_from_db()
    assert deal.reporting_cents == 80_000


def test_the_currency_is_fixed_once_money_is_recorded(boss: Client) -> None:
    OpportunityFactory()
    boss.post(reverse("leads:company-settings"), company_form())
    row = Company.current()
    assert (row.name, row.currency) == ("Initech", "EUR")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice"),
        ({"currency": "12"}, "three-letter"),
        ({"currency": "XYZ"}, "currency"),
        ({"business_closes": "08:00"}, "must end after"),
        ({"business_weekdays": []}, "required"),
        ({"holidays": "25.12.2026"}, "25.12.2026"),
        ({"fiscal_year_start_month": "13"}, "Select a valid choice"),
        ({"name": ""}, "required"),
    ],
)
def test_wrong_settings_are_refused_with_the_reason(boss: Client, changes: dict[str, object], message: str) -> None:
    answer = boss.post(reverse("leads:company-settings"), company_form(**changes))
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert Company.current().name == "Test company"


def invite(boss: Client, email: str = "Ada@Initech.example", role: str = "sales_leader") -> Invitation:
    answer = boss.post(reverse("leads:people"), {"email": email, "name": "Ada", "role": role})
    assert answer.status_code == 302
    return Invitation.objects.get(user__email=email.lower())


def link_in_mail() -> str:
    send_emails(at=timezone.now())
    words = mail.outbox[-1].body.split()
    return urlsplit(next(word for word in words if "/invitations/" in word)).path


@time_machine.travel(NOW, tick=False)
def test_an_invited_person_sets_a_password_and_is_in(boss: Client, admin_user: User) -> None:
    invitation = invite(boss)
    assert not invitation.user.is_active
    link = link_in_mail()
    assert mail.outbox[0].to == ["ada@initech.example"]
    assert mail.outbox[0].subject == f"{admin_user.name} invites you to Test company"
    guest = Client()
    assert guest.get(link).status_code == 200
    answer = guest.post(link, {"name": "Ada Byron", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.headers["Location"] == "/"
    user = User.objects.get(email="ada@initech.example")
    assert (user.name, user.role, user.is_active) == ("Ada Byron", "sales_leader", True)
    assert user.check_password(PASSWORD)
    assert guest.get(reverse("alignment:pipeline")).status_code == 200


@time_machine.travel(NOW, tick=False)
def test_a_link_is_used_once(boss: Client) -> None:
    invite(boss)
    link = link_in_mail()
    given = {"name": "Ada", "password1": PASSWORD, "password2": PASSWORD}
    assert Client().post(link, given).status_code == 302
    again = Client().post(link, {**given, "password1": "another pass phrase", "password2": "another pass phrase"})
    assert again.status_code == 404
    assert "accepted already" in again.content.decode()
    assert User.objects.get(email="ada@initech.example").check_password(PASSWORD)


def test_a_link_expires_and_is_sent_again(boss: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        invitation = invite(boss)
        link = link_in_mail()
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        assert "expired" in Client().get(link).content.decode()
        boss.post(reverse("leads:invitation-again", args=[invitation.public_id]))
        assert Client().get(link_in_mail()).status_code == 200


@time_machine.travel(NOW, tick=False)
def test_an_invitation_is_taken_back_with_its_person(boss: Client) -> None:
    invitation = invite(boss)
    link = link_in_mail()
    boss.post(reverse("leads:invitation-take-back", args=[invitation.public_id]))
    assert not User.objects.filter(email="ada@initech.example").exists()
    assert Client().get(link).status_code == 404


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": PASSWORD, "password2": "something else entirely"}, "differ"),
        ({"password1": "password12345", "password2": "password12345"}, "too common"),
        ({"name": ""}, "required"),
    ],
)
def test_a_weak_password_is_refused(boss: Client, given: dict[str, str], message: str) -> None:
    invite(boss)
    link = link_in_mail()
    answer = Client().post(link, {"name": "Ada", "password1": PASSWORD, "password2": PASSWORD, **given})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not User.objects.get(email="ada@initech.example").is_active


def test_the_table_of_messages_holds_no_usable_link(boss: Client) -> None:
    invitation = invite(boss)
    row = Notification.objects.get(kind="invitation")
    assert row.link == str(invitation.public_id)
    assert Client().get(reverse("leads:invitation-accept", args=[row.link])).status_code == 404


def test_nobody_is_invited_twice(boss: Client, rep: User) -> None:
    answer = boss.post(reverse("leads:people"), {"email": rep.email.upper(), "name": "X", "role": "sales_rep"})
    assert answer.status_code == 422
    assert "is here already" in answer.content.decode()


def test_who_is_invited_cannot_sign_in_before(boss: Client) -> None:
    invite(boss)
    guest = Client()
    assert not guest.login(email="ada@initech.example", password="")


def test_recipients_of_the_report_are_chosen(
    boss: Client, director: User, sales_leader: User, admin_user: User
) -> None:
    from leads.queries.notifications import readers, wanting

    url = reverse("alignment:report-settings")
    assert [is_on for _, is_on in boss.get(url).context["people"]] == [person.role != "admin" for person in readers()]
    boss.post(url, {"recipients": [str(admin_user.public_id), str(director.public_id)]})
    getting = wanting(readers(), kind="weekly_report", channel="email")
    assert {person.pk for person in getting} == {admin_user.pk, director.pk}


def test_revoking_an_invitation_leaves_records_their_owner(boss: Client) -> None:
    invitation = invite(boss)
    deal = OpportunityFactory(owner=invitation.user)
    boss.post(reverse("leads:invitation-take-back", args=[invitation.public_id]))
    deal.refresh_from_db()
    assert deal.owner == invitation.user
    assert not User.objects.get(pk=invitation.user_id).is_active
    assert not Invitation.objects.exists()


@time_machine.travel(NOW, tick=False)
def test_a_link_sets_no_password_of_an_active_person(boss: Client) -> None:
    invitation = invite(boss)
    User.objects.filter(pk=invitation.user_id).update(is_active=True)
    link = link_in_mail()
    answer = Client().post(link, {"name": "Eve", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 404
    assert "active already" in answer.content.decode()
    assert not User.objects.get(pk=invitation.user_id).has_usable_password()
