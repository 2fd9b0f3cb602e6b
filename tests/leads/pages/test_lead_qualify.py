"""The pages on which sales qualifies, recycles and disqualifies, and on which an admin keeps the questions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.models import Company, Lead, QuestionSet, Recycling, User
from tests.leads.factories import LeadFactory

BANT = {
    "answer-budget": "Approved",
    "answer-authority": "This person",
    "answer-need": "Reports nobody trusts",
    "answer-timing": "This quarter",
    "version": "1",
}


def test_a_rep_answers_and_everybody_reads_it(client: Client, company: Company, rep: User, director: User) -> None:
    lead = LeadFactory(stage="sal", owner=rep)
    client.force_login(rep)
    url = reverse("leads:lead-qualify", args=[lead.public_id])
    assert "Is there a budget?" in client.get(url).content.decode()
    refused = client.post(url, {**BANT, "answer-need": ""})
    assert refused.status_code == 422
    assert "This field is required" in refused.content.decode()
    assert client.post(url, BANT).status_code == 302
    lead.refresh_from_db()
    assert lead.stage == "sql"
    client.force_login(director)
    page = client.get(lead.get_absolute_url()).content.decode()
    assert "Reports nobody trusts" in page
    assert "questions of version 1" in page


def test_an_mql_is_accepted_first(client: Client, company: Company, rep: User) -> None:
    lead = LeadFactory(stage="mql", owner=rep)
    client.force_login(rep)
    url = reverse("leads:lead-qualify", args=[lead.public_id])
    assert "You can qualify a lead at SAL; this one is at MQL." in client.get(url).content.decode()
    assert client.post(url, BANT).status_code == 422
    assert Lead.objects.get().stage == "mql"


def test_a_lead_is_recycled_until_a_day_and_another_disqualified(client: Client, company: Company, rep: User) -> None:
    later, never = LeadFactory(stage="sal", owner=rep), LeadFactory(stage="lead", owner=rep)
    client.force_login(rep)
    day = (timezone.now() + timedelta(days=40)).date()
    url = reverse("leads:lead-recycle", args=[later.public_id])
    assert client.post(url, {"comes_back_on": day.isoformat()}).status_code == 422
    answer = client.post(url, {"reason": "no_budget", "comes_back_on": day.isoformat(), "note": "New year"})
    assert answer.status_code == 302
    assert Recycling.objects.get().comes_back_on == day
    assert "Comes back on" in client.get(later.get_absolute_url()).content.decode()
    client.post(reverse("leads:lead-disqualify", args=[never.public_id]), {"reason": "competitor"})
    stages = dict(Lead.objects.values_list("pk", "stage"))
    assert stages == {later.pk: "recycled", never.pk: "disqualified"}


def rows(client: Client) -> dict[str, str]:
    page = client.get(reverse("leads:qualification-settings"))
    formset = page.context["rows"]
    given = {"questions-TOTAL_FORMS": "8", "questions-INITIAL_FORMS": "5", "seen": str(page.context["version"])}
    for form in formset:
        for name in form.fields:
            value = form[name].value()
            if value not in (None, False):
                given[f"{form.prefix}-{name}"] = "on" if value is True else str(value)
    return given


def test_an_admin_saves_another_version(client: Client, company: Company, admin_user: User) -> None:
    client.force_login(admin_user)
    given = rows(client)
    given |= {"questions-5-label": "Which tools do they use?", "questions-4-label": "", "change": "Tools instead"}
    url = reverse("leads:qualification-settings")
    assert client.post(url, given).status_code == 302
    newest = QuestionSet.objects.latest("version")
    assert (newest.version, newest.change) == (2, "Tools instead")
    assert [each["key"] for each in newest.questions] == [
        "budget", "authority", "need", "timing", "which_tools_do_they_use",
    ]  # fmt: skip
    stale = client.post(url, given)
    assert stale.status_code == 422
    assert "Somebody else has just changed" in stale.content.decode()


def test_a_question_without_choices_is_said(client: Client, company: Company, admin_user: User) -> None:
    client.force_login(admin_user)
    answer = client.post(reverse("leads:qualification-settings"), {**rows(client), "questions-0-choices": "only one"})
    assert answer.status_code == 422
    assert "Question 1: Give at least two choices." in answer.content.decode()


@pytest.mark.parametrize("role", ["sales_rep", "sales_leader", "marketing_director"])
def test_questions_are_an_admins(client: Client, company: Company, rep: User, role: str) -> None:
    User.objects.filter(pk=rep.pk).update(role=role)
    client.force_login(rep)
    assert client.get(reverse("leads:qualification-settings")).status_code == 403
