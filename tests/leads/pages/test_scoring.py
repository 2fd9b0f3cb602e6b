"""Scoring rules on pages: a draft is built with forms, tried, back-tested, activated and rolled back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads.actions.intake import run_intake
from leads.actions.scoring.back_test import run_back_tests
from leads.actions.scoring.decay_scores import decay_scores
from leads.actions.scoring.version_scoring import copy_rule_set
from leads.models import BackTest, Company, JobRun, Lead, ScoringRule, ScoringRuleSet, ShownScore, User
from leads.pure.conditions.grammar import Condition, Group, from_json
from leads.pure.conditions.properties import Operator
from tests.leads.factories import LeadFactory, TouchpointFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(UserFactory(role="admin", name="Ada Admin"))
    return client


@pytest.fixture
def draft() -> ScoringRuleSet:
    active = ScoringRuleSet.objects.get(state="active")
    return copy_rule_set(rule_set_id=active.pk, by=User.objects.first(), at=AT)


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(f"leads:{name}", args=args), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


RULE = {
    "name": "Home market",
    "points": "12",
    "is_enabled": "on",
    "conditions-shape": "1",
    "conditions-match": "any",
    "conditions-0-match": "all",
    "conditions-0-0-property": "country",
    "conditions-0-0-was": "country",
    "conditions-0-0-operator": "is",
    "conditions-0-0-values": ["DE", "AT"],
}


def test_a_rule_is_built_step_by_step_without_scripts(boss: Client, draft: ScoringRuleSet) -> None:
    url = reverse("leads:scoring-rule-add", args=[draft.version, "fit"])
    first = boss.post(url, {"name": "Home market", "points": "12", "conditions-shape": "1",
                            "conditions-0-0-property": "country", "conditions-do": "refresh"})  # fmt: skip
    assert first.status_code == 200
    html = first.content.decode()
    assert 'value="Home market"' in html
    assert "Germany (DE)" in html
    saved = boss.post(url, RULE)
    assert saved.headers["Location"] == draft.get_absolute_url()
    rule = draft.rules.get(name="Home market")
    assert from_json(rule.conditions) == Group((Condition("country", Operator.IS, ("DE", "AT")),))
    assert "+12 when country is DE or AT" in page(boss, "scoring-version", draft.version)


def test_a_behavior_rule_has_repeats_and_a_half_life(boss: Client, draft: ScoringRuleSet) -> None:
    url = reverse("leads:scoring-rule-add", args=[draft.version, "behavior"])
    given = RULE | {
        "name": "Pricing page", "max_times": "3", "decay": "own", "half_life_days": "7",
        "conditions-0-0-property": "event:page_view", "conditions-0-0-was": "event:page_view",
        "conditions-0-0-operator": "happened", "conditions-0-0-low": "1", "conditions-0-0-days": "30",
        "conditions-0-0-names": "contains", "conditions-0-0-values": "pricing",
    }  # fmt: skip
    assert boss.post(url, given).status_code == 302
    rule = draft.rules.get(name="Pricing page")
    assert (rule.group, rule.max_times, rule.half_life_days) == ("behaviour", 3, 7)
    shown = page(boss, "scoring-version", draft.version)
    assert "+12 when visited page with “pricing” in the last 30 days, up to 3 times, half-life 7 days" in shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": "0"}, "A rule gives or takes at least one point."),
        ({"name": ""}, "This field is required."),
        ({"conditions-0-0-values": []}, "Country: choose a value."),
        ({"conditions-0-0-property": "event:call"}, "activity belongs to behavior rules."),
        ({"conditions-0-0-property": "shoe_size"}, "Choose a property."),
    ],
)
def test_what_is_wrong_is_said_on_the_page(
    boss: Client, draft: ScoringRuleSet, change: dict[str, str], said: str
) -> None:
    answer = boss.post(reverse("leads:scoring-rule-add", args=[draft.version, "fit"]), RULE | change)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not draft.rules.filter(name="Home market").exists()


def test_rules_are_switched_moved_and_removed(boss: Client, draft: ScoringRuleSet) -> None:
    first, second = draft.rules.filter(group="fit").order_by("position", "pk")[:2]
    boss.post(reverse("leads:scoring-rule-move", args=[draft.version, second.pk]), {"to": "up"})
    assert draft.rules.order_by("position").first() == second
    boss.post(reverse("leads:scoring-rule-switch", args=[draft.version, first.pk]))
    shown = page(boss, "scoring-version", draft.version)
    assert f"Disabled: {first.name}." in shown
    assert "The order of the rules changed" in shown
    boss.post(reverse("leads:scoring-rule-remove", args=[draft.version, first.pk]))
    assert f"Removed: {first.name}" in page(boss, "scoring-version", draft.version)


def test_limits_are_edited_and_impossible_ones_refused(boss: Client, draft: ScoringRuleSet) -> None:
    url = reverse("leads:scoring-limits", args=[draft.version])
    given = {"fit_threshold": 35, "behaviour_threshold": 25, "fit_cap": 60, "behaviour_cap": 60, "note": "Stricter"}
    assert boss.post(url, given).status_code == 302
    shown = page(boss, "scoring-version", draft.version)
    assert "Fit threshold: 20 → 35." in shown
    assert "Half-life in days: 30 → none." in shown
    refused = boss.post(url, given | {"fit_cap": 30})
    assert refused.status_code == 422
    assert "Fit could never reach its threshold of 35." in refused.content.decode()


def test_an_active_version_offers_no_editing(boss: Client) -> None:
    active = ScoringRuleSet.objects.get(state="active")
    rule = ScoringRule.objects.filter(rule_set=active)[0]
    assert "Edit rule" not in page(boss, "scoring-version", active.version)
    assert boss.get(reverse("leads:scoring-rule", args=[active.version, rule.pk])).status_code == 404
    assert boss.post(reverse("leads:scoring-discard", args=[active.version])).status_code == 302
    assert ScoringRuleSet.objects.filter(pk=active.pk).exists()


def test_a_version_is_tried_on_a_lead(boss: Client, draft: ScoringRuleSet) -> None:
    boss.post(reverse("leads:scoring-rule-add", args=[draft.version, "fit"]), RULE)
    lead = LeadFactory(country="DE", email="ada@engines.example")
    LeadFactory(last_name="Twin"), LeadFactory(last_name="Twin")
    shown = page(boss, "scoring-version", draft.version, lead="ADA@engines.example")
    assert "By this version: 12" in shown
    assert "By the active version: 0" in shown
    assert "Which one?" in page(boss, "scoring-version", draft.version, lead="Twin")
    assert "No lead is called that." in page(boss, "scoring-version", draft.version, lead="Nobody")
    assert "By this version: 12" in page(boss, "scoring-version", draft.version, lead=str(lead.public_id))


def test_activation_now_later_and_roll_back(boss: Client, draft: ScoringRuleSet) -> None:
    first = ScoringRuleSet.objects.get(state="active")
    url = reverse("leads:scoring-activate", args=[draft.version])
    assert boss.post(url, {"why": ""}).status_code == 422
    later = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    boss.post(url, {"why": "Quarter", "activates_at": later})
    draft.refresh_from_db()
    assert (draft.state, draft.why) == ("scheduled", "Quarter")
    assert "takes effect" in page(boss, "scoring")
    boss.post(reverse("leads:scoring-cancel", args=[draft.version]))
    past = (timezone.now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    assert boss.post(url, {"why": "Quarter", "activates_at": past}).status_code == 422
    boss.post(url, {"why": "Quarter"})
    assert ScoringRuleSet.objects.get(state="active") == draft
    assert "Ada Admin" in page(boss, "scoring")
    boss.post(reverse("leads:scoring-roll-back", args=[first.version]), {"why": "Too few"})
    assert "The same rules." in page(boss, "scoring-version", first.version, compare="3")
    again = ScoringRuleSet.objects.get(state="active")
    assert (again.is_roll_back, again.why, again.based_on) == (True, "Too few", first)


def test_a_failed_rescoring_is_tried_again(boss: Client, draft: ScoringRuleSet) -> None:
    boss.post(reverse("leads:scoring-activate", args=[draft.version]), {"why": "Quarter"})
    JobRun.objects.update(state="failed", message="Disk full", finished_at=AT)
    assert "failed" in page(boss, "scoring")
    boss.post(reverse("leads:scoring-retry"))
    assert JobRun.objects.get().state == "waiting"


def history(count: int = 40) -> None:
    """Leads of last summer: those with a form became SQLs a week later, every other one in Germany."""
    for n in range(count):
        created = timezone.now() - timedelta(days=150 - n % 20)
        lead = LeadFactory(country="DE" if n % 2 else "FR", captured_at=created, changed_at=created, job_title="CTO")
        kind = "form_submission" if n % 4 < 2 else "page_view"
        TouchpointFactory(lead=lead, kind=kind, occurred_at=created, recorded_at=created)
        if n % 4 == 1:
            at = created + timedelta(days=10)
            lead.passages.create(from_stage="mql", to_stage="sql", passed_at=at)


def test_a_back_test_shows_figures_calibration_and_who_would_change(boss: Client, draft: ScoringRuleSet) -> None:
    history()
    draft.rules.filter(name="Decides on tools").update(points=10)
    boss.post(reverse("leads:scoring-rule-add", args=[draft.version, "fit"]), RULE)
    Company.objects.update(mqls_per_week=3)
    today = timezone.now().date()
    period = {"first_day": today - timedelta(days=160), "last_day": today - timedelta(days=100), "horizon_days": 60}
    boss.post(reverse("leads:scoring-back-test-start", args=[draft.version]), period)
    assert "Trying the rules" in page(boss, "scoring-back-test", draft.version)
    assert run_back_tests(clock=timezone.now) == 40
    # Active rules: CTO 20 and form 20, 20 leads, of whom 10 became SQLs. The draft asks for Germany on top: those 10.
    result = BackTest.objects.get().result
    assert result is not None
    assert (result["leads"], result["outcomes"], result["capacity"]) == (40, 10, 3)
    assert (result["active"]["qualified"], result["active"]["hits"], result["active"]["lift"]) == (20, 10, 2.0)
    assert (result["draft"]["qualified"], result["draft"]["precision"], result["draft"]["lift"]) == (10, 1.0, 4.0)
    assert result["draft"]["recall"] == 1.0
    low, high = result["active"]["precision_interval"]
    assert (round(low, 3), round(high, 3)) == (0.299, 0.701)  # Wilson, 10 of 20
    shown = page(boss, "scoring-back-test", draft.version)
    assert "100.0%" in shown
    assert "10 no MQL any more" in shown
    assert "capacity 3" in shown
    file = boss.get(reverse("leads:scoring-back-test", args=[draft.version]), {"export": "csv"}).content.decode()
    assert len(file.strip().splitlines()) == 11
    boss.post(reverse("leads:scoring-rule-switch", args=[draft.version, draft.rules.get(name="Home market").pk]))
    assert "have changed since" in page(boss, "scoring-back-test", draft.version)


def test_a_back_test_that_cannot_be_is_refused(boss: Client, draft: ScoringRuleSet) -> None:
    today = timezone.now().date()
    period = {"first_day": today - timedelta(days=90), "last_day": today, "horizon_days": 60}
    answer = boss.post(reverse("leads:scoring-back-test-start", args=[draft.version]), period, follow=True)
    assert "Leads need 60 days to become an SQL" in answer.content.decode()
    assert not BackTest.objects.exists()


def test_the_grid_counts_and_opens_lists(boss: Client) -> None:
    for title, kinds in (("CTO", 2), ("CTO", 0), ("", 0)):
        lead = LeadFactory(job_title=title)
        for _ in range(kinds):
            TouchpointFactory(lead=lead, occurred_at=AT)
    run_intake(lead_ids=list(Lead.objects.values_list("pk", flat=True)), at=AT)
    shown = page(boss, "scoring-grid")
    # Thresholds 20 and 20: a CTO has 20 of fit (B), two forms give 40 (1).
    for grade, count in (("B1", 1), ("B4", 1), ("D4", 1), ("A1", 0)):
        assert f'aria-label="{grade}: {count} leads"' in shown
        listed = boss.get(reverse("leads:lead-list"), {"grade": grade})
        assert listed.context["page"].paginator.count == count


def test_a_lead_shows_what_its_points_are_still_worth(boss: Client) -> None:
    lead = LeadFactory()
    TouchpointFactory(lead=lead, name="Pricing", occurred_at=timezone.now() - timedelta(days=15))
    run_intake(lead_ids=[lead.pk], at=timezone.now() - timedelta(days=15))
    # No sweep was here since: 20 points with a half-life of 30 days are 14.1 after 15.
    assert ShownScore.objects.get().total == 20
    shown = " ".join(boss.get(lead.get_absolute_url()).content.decode().split())
    assert "Score 14" in shown
    assert "15 days ago (worth 14 of 20 points by now)" in shown
    assert '<td class="num" data-label="Score">14</td>' in page(boss, "lead-list")
    decay_scores(at=timezone.now())
    assert ShownScore.objects.get().total == 14


def test_reps_have_no_scoring_page() -> None:
    client = Client()
    client.force_login(UserFactory(role="sales_rep"))
    assert client.get(reverse("leads:scoring")).status_code == 403
