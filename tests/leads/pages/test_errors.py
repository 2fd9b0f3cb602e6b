"""Error pages are ours, in words, and keep the navigation for those who are signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client, RequestFactory
from django.urls import reverse

from leads.models import User
from leads.past.settled import NotSettled
from leads.views import errors

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
NAVIGATION = '<nav aria-label="Main">'


def test_a_page_that_is_missing_keeps_the_navigation(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    for path in ("/nothing", "/admin/nothing/"):
        answer = client.get(path)
        page = answer.content.decode()
        assert answer.status_code == 404
        assert "Page not found" in page
        assert NAVIGATION in page
        assert reverse("leads:lead-list") in page


def test_a_page_of_another_role_keeps_the_navigation(client: Client, rep: User) -> None:
    client.force_login(rep)
    answer = client.get("/channels/rules/add")
    assert answer.status_code == 403
    assert "You do not have access to this page" in answer.content.decode()
    assert NAVIGATION in answer.content.decode()


def test_nobody_signed_in_gets_the_page_without_it(client: Client) -> None:
    page = client.get("/nothing").content.decode()
    assert "Page not found" in page
    assert NAVIGATION not in page


def test_a_form_without_a_token_gets_our_page(rep: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(rep)
    answer = client.post(reverse("leads:theme"), {"theme": "dark"}, HTTP_REFERER="http://testserver/leads?q=x")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form has expired" in page
    assert 'href="http://testserver/leads?q=x"' in page
    assert NAVIGATION in page
    elsewhere = client.post(reverse("leads:theme"), HTTP_REFERER="https://evil.example/")
    assert "evil.example" not in elsewhere.content.decode()
    rep.refresh_from_db()
    assert rep.theme == "system"


def test_a_form_without_a_token_and_nobody_signed_in() -> None:
    answer = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "a@b.example", "password": "x"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_an_address_of_a_form_says_so(client: Client, rep: User) -> None:
    client.force_login(rep)
    answer = client.get(reverse("leads:theme"))
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "This page cannot be opened directly" in answer.content.decode()


def test_a_broken_database_still_gets_a_page(rf: RequestFactory) -> None:
    class Gone:
        @property
        def is_authenticated(self) -> bool:
            raise DatabaseError("the database is gone")

    request = rf.get("/leads")
    request.user = Gone()  # type: ignore[assignment]
    answer = errors.server_error(request)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


def test_a_mistake_of_ours_keeps_the_navigation(client: Client, rep: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("leads.views.lead_rows.by_next_step", broken)
    client.raise_request_exception = False
    client.force_login(rep)
    answer = client.get("/leads")
    assert answer.status_code == 500
    assert NAVIGATION in answer.content.decode()


def refuses(*beginnings: str) -> Callable[..., Any]:
    """A database that refuses statements that begin so."""

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(beginnings):
            raise OperationalError("database is locked")
        return run(sql, params, many, context)

    return execute


def test_a_locked_database_asks_to_come_back_and_keeps_the_navigation(client: Client, rep: User) -> None:
    client.raise_request_exception = False
    client.force_login(rep)
    with connection.execute_wrapper(refuses("UPDATE")):
        answer = client.post(reverse("leads:theme"), {"theme": "dark"})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "The portal is busy" in page
    assert NAVIGATION in page
    rep.refresh_from_db()
    assert rep.theme == "system"


@pytest.mark.parametrize("path", ["/leads", "/admin/", "/account/login/?next=/leads"])
def test_a_database_that_is_away_still_gets_a_page(client: Client, rep: User, path: str) -> None:
    client.raise_request_exception = False
    client.force_login(rep)
    with connection.execute_wrapper(refuses("")):
        answer = client.get(path)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "The portal is busy" in answer.content.decode()
    assert NAVIGATION not in answer.content.decode()


def test_a_database_that_is_away_is_a_problem_document_to_the_api(client: Client, rep: User) -> None:
    client.raise_request_exception = False
    client.force_login(rep)
    with connection.execute_wrapper(refuses("")):
        answer = client.get("/api/v1/leads")
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("The database is away or busy.")


def test_a_statement_that_can_never_succeed_is_our_fault(
    client: Client, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_args: object, **_options: object) -> None:
        connection.cursor().execute("SELECT 1 FROM no_such_table")

    monkeypatch.setattr("leads.views.lead_rows.by_next_step", missing)
    client.raise_request_exception = False
    client.force_login(rep)
    assert client.get("/leads").status_code == 500


def test_changes_still_being_saved_ask_to_come_back(client: Client, rep: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsettled(*_args: object, **_options: object) -> None:
        raise NotSettled("Changes are still being saved.")

    monkeypatch.setattr("leads.views.lead_rows.by_next_step", unsettled)
    client.raise_request_exception = False
    client.force_login(rep)
    answer = client.get("/leads")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
