"""Rules are edited in the admin; runs are only read there."""

from __future__ import annotations

import pytest
from django.test import Client

from attribution.models import AttributionRules, CustomMethod, LiftTest, SourceCheck, SourcedDecision
from leads.models import Channel, User
from tests.attribution.factories import company_with_deals, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]


URL = "/admin/attribution/attributionrules/1/change/"
RULES = {"scope": "account", "half_life_days": "30", "milestone": "opportunity", "sourced_test": "first_touch"}


def test_rules_are_edited_and_refuse_nonsense(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    assert client.get("/admin/attribution/attributionrules/").status_code == 200
    social = Channel.objects.get(key="organic-social")
    given = {**RULES, "kept_scopes": ["contacts"], "suppressed_channels": [social.pk]}
    assert client.post(URL, given).status_code == 302
    rules = AttributionRules.objects.get()
    assert (rules.scope, rules.half_life_days, rules.milestone) == ("account", 30.0, "opportunity")
    assert rules.scopes == ["account", "contacts"]
    assert list(rules.suppressed_channels.all()) == [social]
    for nonsense in ({"half_life_days": "0"}, {"half_life_days": "nan"}, {"kept_scopes": ["everybody"]}):
        assert client.post(URL, {**RULES, **nonsense}).status_code == 200
    assert AttributionRules.objects.get().half_life_days == 30.0
    assert client.get("/admin/attribution/attributionrules/add/").status_code == 403


def test_the_sourced_test_is_locked_with_a_reason(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    assert client.post(URL, {**RULES, "decision": "lock"}).status_code == 200  # no reason
    locked = {**RULES, "sourced_test": "lead_creation"}
    assert client.post(URL, {**locked, "decision": "lock", "reason": "Agreed"}).status_code == 302
    assert AttributionRules.objects.get().sourced_test == "lead_creation"
    text = client.post(URL, {**RULES, "sourced_test": "first_touch"}).content.decode()
    assert "unlock it first" in text
    assert client.post(URL, {**RULES, "decision": "unlock", "reason": "Disputed"}).status_code == 302
    rules = AttributionRules.objects.get()
    assert (rules.sourced_test, rules.sourced_locked_at) == ("first_touch", None)
    another = {**RULES, "sourced_test": "opportunity_creation"}
    assert client.post(URL, {**RULES, "reason": ""}).status_code == 302  # unlocking chose first_touch again
    assert "another version" in client.post(URL, another).content.decode()  # no reason
    assert client.post(URL, {**another, "reason": "Tried"}).status_code == 302
    found = SourcedDecision.objects.order_by("pk").values_list("kind", "test", "test_before", "by")
    assert list(found) == [
        ("locked", "lead_creation", "first_touch", admin_user.pk),
        ("unlocked", "lead_creation", "", admin_user.pk),
        ("changed", "first_touch", "lead_creation", admin_user.pk),
        ("changed", "opportunity_creation", "first_touch", admin_user.pk),
    ]
    history = client.get("/admin/attribution/sourceddecision/").content.decode()
    assert "Agreed" in history
    assert "Disputed" in history
    assert client.get("/admin/attribution/sourceddecision/add/").status_code == 403


def test_own_methods_are_checked_and_told_in_words(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    url = "/admin/attribution/custommethod/"
    shares = {"first_touch": "60", "lead_creation": "0", "opportunity_creation": "0", "closing": "20", "others": "20"}
    given = {"name": "Ours", "slug": "ours", "is_active": "on", **shares}
    assert "these sum to 90" in client.post(f"{url}add/", {**given, "others": "10"}).content.decode()
    assert client.post(f"{url}add/", given).status_code == 302
    own = CustomMethod.objects.get()
    assert "60 % to the first touch" in client.get(f"{url}{own.pk}/change/").content.decode()
    changed = {**given, "slug": "theirs", "closing": "30", "others": "10"}
    assert client.post(f"{url}{own.pk}/change/", changed).status_code == 302
    own.refresh_from_db()
    assert (own.slug, own.version, own.closing) == ("ours", 2, 30)
    assert client.post(f"{url}{own.pk}/delete/").status_code == 403


def test_lift_tests_and_source_checks_are_entered(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    email = Channel.objects.get(key="email")
    given = {"channel": email.pk, "starts_on": "2026-01-01", "ends_on": "2026-02-01", "lift": "0.1", "low": "0.2"}
    text = client.post("/admin/attribution/lifttest/add/", {**given, "high": "0.3"}).content.decode()
    assert "inside its interval" in text
    assert client.post("/admin/attribution/lifttest/add/", {**given, "low": "0", "high": "0.3"}).status_code == 302
    assert LiftTest.objects.count() == 1
    deal = company_with_deals()["won"]
    answer = {"opportunity": deal.pk, "origin": "sales", "channel": email.pk}
    assert client.post("/admin/attribution/sourcecheck/add/", answer).status_code == 302
    assert SourceCheck.objects.get().answered_by == admin_user
    for name in ("lifttest", "sourcecheck", "methodfit", "accuracycheck", "attributionrun"):
        assert client.get(f"/admin/attribution/{name}/").status_code == 200


def test_runs_are_read_only(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    company_with_deals()
    done = run(reason="for the admin")
    assert "for the admin" in client.get("/admin/attribution/attributionrun/?q=admin").content.decode()
    url = f"/admin/attribution/attributionrun/{done.pk}"
    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/delete/").status_code == 403
