"""Integration points: the six, their criteria, who may do what, with and without htmx."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from alignment.actions.points.add_evidence import add_evidence
from alignment.models import AcceptanceCriterion, Evidence, IntegrationPoint, SignOff
from leads.models import Company, User
from tests.alignment.factories import MONDAY, criterion
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db
POINT = "/integration-points/1.1.1"
FIRST = f"{POINT}/criteria/1"
HTMX = {"HX-Request": "true"}
FORMS = {
    "evidence": {"note": "Seen", "url": "https://docs.example.com/a"},
    "sign-off": {"note": "Fine", "version": "1"},
    "set-aside": {"reason": "Not here"},
    "plan": {"owner": "", "due_on": "2026-12-24"},
    "withdraw": {"reason": "Too early"},
}


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(MONDAY + timedelta(days=2), tick=False):
        yield


def as_role(client: Client, role: str) -> User:
    user = UserFactory(role=role)
    client.force_login(user)
    return user


@pytest.mark.parametrize("role", ["marketing_director", "sales_leader", "sales_rep", "admin"])
def test_everybody_sees_six_points_in_two_groups(client: Client, company: Company, role: str) -> None:
    as_role(client, role)
    html = client.get("/integration-points").content.decode()
    assert html.index("Sales-Developer Integration") < html.index("Revenue Optimization Coordination")
    assert all(point.title in html for point in IntegrationPoint.objects.all())
    for point in IntegrationPoint.objects.all():
        page = client.get(point.get_absolute_url()).content.decode()
        assert all(found.text in page for found in point.criteria.all()), point
        assert all(framework["title"] in page for framework in point.frameworks)
        assert client.get(f"{point.get_absolute_url()}/certificate").status_code == 200
    assert client.get("/integration-points/9.9.9").status_code == 404


ALLOWED = {
    "sales_leader": {"evidence", "sign-off", "set-aside", "plan"},
    "admin": {"evidence", "sign-off", "set-aside", "plan"},
    "marketing_director": {"evidence"},
    "sales_rep": set(),
}


@pytest.mark.parametrize("role", sorted(ALLOWED))
@pytest.mark.parametrize("verb", sorted(FORMS))
def test_role_matrix(client: Client, company: Company, sales_leader: User, role: str, verb: str) -> None:
    as_role(client, role)
    status = client.post(f"{FIRST}/{verb}", FORMS[verb]).status_code
    may = verb in ALLOWED[role] or (verb == "withdraw" and "sign-off" in ALLOWED[role])
    assert status == (302 if may else 403)
    assert client.get(f"{FIRST}/{verb}").status_code == 405
    page = client.get(POINT).content.decode()
    if verb != "withdraw" and not may:
        assert f'action="{FIRST}/{verb}"' not in page
    if not may:
        assert not SignOff.objects.exists()
        assert not Evidence.objects.exists()
        assert criterion().state == "not_ready"
        assert criterion().due_on is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"{POINT}/plan", "Only sales leaders and admins plan integration points."),
        (f"{FIRST}/plan", "Only sales leaders and admins plan criteria."),
        (f"{FIRST}/set-aside", "Only sales leaders and admins set criteria aside"),
        (f"{FIRST}/sign-off", "Only sales leaders and admins sign criteria off"),
    ],
)
def test_who_may_not_is_told_what(client: Client, company: Company, url: str, says: str) -> None:
    as_role(client, "marketing_director")
    answer = client.post(url)
    assert answer.status_code == 403
    assert says in answer.content.decode()


def test_signed_out_people_are_sent_to_sign_in(client: Client, company: Company) -> None:
    assert client.get(POINT).status_code == 302
    assert client.post(f"{FIRST}/sign-off", FORMS["sign-off"]).status_code == 302
    assert not SignOff.objects.exists()


def test_a_sign_off_from_evidence_to_withdrawal(client: Client, company: Company) -> None:
    as_role(client, "sales_leader")
    refused = client.post(f"{FIRST}/sign-off", {"note": "", "version": "1"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Add evidence first" in refused.content.decode()
    added = client.post(f"{FIRST}/evidence", FORMS["evidence"], headers=HTMX)
    assert added.status_code == 200
    assert "Ready for sign-off" in added.content.decode()
    assert 'href="https://docs.example.com/a"' in added.content.decode()
    signed = client.post(f"{FIRST}/sign-off", {"note": "", "version": "1"}, headers=HTMX).content.decode()
    assert "Signed off" in signed
    assert 'id="criterion-1"' in signed
    assert "<html" not in signed
    assert "1 of 4" in client.get("/integration-points").content.decode()
    assert "signed off" in client.get(f"{POINT}/certificate").content.decode()
    again = client.post(f"{FIRST}/sign-off", {"note": "x", "version": "1"}, headers=HTMX)
    assert again.status_code == 422
    gone = client.post(f"{FIRST}/withdraw", {"reason": "The pilot failed"}, headers=HTMX).content.decode()
    assert "The pilot failed" in gone
    assert "Ready for sign-off" in gone
    assert SignOff.objects.get().withdrawn_because == "The pilot failed"


def test_without_javascript_the_page_comes_back_with_a_message(client: Client, company: Company) -> None:
    as_role(client, "sales_leader")
    response = client.post(f"{FIRST}/sign-off", {"note": "Seen", "version": "1"}, follow=True)
    assert response.redirect_chain == [(f"{POINT}#criterion-1", 302)]
    assert "The evidence is frozen with your name" in response.content.decode()
    refused = client.post(f"{FIRST}/evidence", {"note": "x", "url": "javascript:alert(1)"}, follow=True)
    assert "alert(1)" not in refused.content.decode()
    assert not Evidence.objects.exists()


def test_words_that_changed_meanwhile_are_not_signed(client: Client, company: Company) -> None:
    as_role(client, "sales_leader")
    AcceptanceCriterion.objects.filter(pk=criterion().pk).update(version=2)
    response = client.post(f"{FIRST}/sign-off", {"note": "x", "version": "1"}, headers=HTMX)
    assert response.status_code == 422
    assert "wording changed" in response.content.decode()


def test_only_mine_and_next_due(client: Client, company: Company) -> None:
    user = as_role(client, "sales_leader")
    assert "Nothing is yours" in client.get("/integration-points?mine=1").content.decode()
    client.post(f"{POINT}/plan", {"point-owner": str(user.pk), "point-due_on": "2026-12-01"})
    client.post("/integration-points/1.2.2/criteria/3/plan", {"owner": str(user.pk), "due_on": "2026-11-01"})
    html = client.get("/integration-points?mine=1").content.decode()
    assert "1.1.1" in html
    assert "1.2.2" in html
    assert "1.1.2" not in html
    assert "1 Dec 2026" in html
    assert "overdue" in html


def test_a_rep_measures_only_their_own_rows(client: Client, company: Company) -> None:
    as_role(client, "sales_rep")
    for point in IntegrationPoint.objects.all():
        response = client.get(point.get_absolute_url())
        assert response.status_code == 200
        assert "Live figures" in response.content.decode()


def test_payloads_stay_words(client: Client, company: Company) -> None:
    user = as_role(client, "sales_leader")
    User.objects.filter(pk=user.pk).update(name="<script>alert(1)</script>")
    client.post(f"{FIRST}/evidence", {"note": "<img src=x onerror=alert(1)>", "url": ""})
    client.post(f"{FIRST}/sign-off", {"note": "<script>alert(2)</script>", "version": "1"})
    for path in (POINT, f"{POINT}/certificate"):
        html = client.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "&lt;script&gt;alert" in html


def test_the_list_of_points_costs_the_same_however_much_evidence(
    client: Client, company: Company, django_assert_max_num_queries: object
) -> None:
    user = as_role(client, "sales_leader")
    for position in range(1, 5):
        for number in range(5):
            add_evidence(criterion=criterion("1.1.1", position), note=f"n{number}", by=user, at=MONDAY)
    with django_assert_max_num_queries(12):
        client.get("/integration-points")
    with django_assert_max_num_queries(24):
        client.get(POINT)
