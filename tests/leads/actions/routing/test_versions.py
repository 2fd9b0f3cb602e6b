"""Versions of the territory rules: drafts are changed, activated ones never; dates, roll-back, differences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leads.actions.routing.assign_lead import assign_leads
from leads.actions.routing.edit_rules import RuleRefused, move_rule, remove_rule, save_rule
from leads.actions.routing.version_rules import (
    activate_due_version,
    cancel_schedule,
    copy_version,
    remove_draft,
    roll_back,
    schedule_version,
)
from leads.models import Assignment, JobRun, RoutingVersion, Territory, TerritoryRep, User
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import LEADS, Operator
from leads.queries.in_force import in_force
from leads.queries.routing_rules import differences
from tests.leads.factories import LeadFactory, TerritoryFactory, UserFactory, rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
FRANCE = Group((Condition("country", Operator.IS, ("FR",)),))


@pytest.fixture
def dach(db: None) -> Territory:
    territory = TerritoryFactory(name="DACH")
    rule(territory, 1, country=["DE"])
    rule(territory, 2, country=["AT"])
    return territory


@pytest.fixture
def draft(dach: Territory, sales_leader: User) -> RoutingVersion:
    return copy_version(number=1, by=sales_leader, at=AT)


def positions(version: RoutingVersion) -> list[str]:
    return [row.conditions["items"][0]["values"][0] for row in version.rules.order_by("position")]


def test_a_draft_is_changed_and_the_active_version_is_not(
    draft: RoutingVersion, dach: Territory, sales_leader: User
) -> None:
    added = save_rule(number=2, territory=dach, conditions=FRANCE, rule_id=None)
    assert positions(draft) == ["DE", "AT", "FR"]
    assert move_rule(number=2, rule_id=added.pk, place=1)
    assert positions(draft) == ["FR", "DE", "AT"]
    assert not move_rule(number=2, rule_id=added.pk, place=0)
    assert move_rule(number=2, rule_id=added.pk, place=99)
    assert positions(draft) == ["DE", "AT", "FR"]
    remove_rule(number=2, rule_id=draft.rules.get(position=2).pk)
    assert positions(draft) == ["DE", "FR"]
    assert list(draft.rules.order_by("position").values_list("position", flat=True)) == [1, 2]
    active = RoutingVersion.objects.get(number=1)
    assert positions(active) == ["DE", "AT"]
    for change in (
        lambda: save_rule(number=1, territory=dach, conditions=FRANCE, rule_id=None),
        lambda: remove_rule(number=1, rule_id=active.rules.get(position=1).pk),
        lambda: move_rule(number=1, rule_id=active.rules.get(position=1).pk, place=2),
    ):
        with pytest.raises(RuleRefused, match="Version 1 is active: only drafts are changed"):
            change()
    assert positions(active) == ["DE", "AT"]


def test_wrong_rules_are_refused(draft: RoutingVersion, dach: Territory) -> None:
    with pytest.raises(RuleRefused, match="without a condition"):
        save_rule(number=2, territory=dach, conditions=Group(), rule_id=None)
    with pytest.raises(RuleRefused, match="what no rule matches"):
        catch_all = Territory.objects.get(is_catch_all=True)
        save_rule(number=2, territory=catch_all, conditions=FRANCE, rule_id=None)
    with pytest.raises(RuleRefused, match="not there any more"):
        save_rule(number=2, territory=dach, conditions=FRANCE, rule_id=0)


def test_a_dated_activation_comes_with_the_beat(draft: RoutingVersion, sales_leader: User) -> None:
    moment = AT + timedelta(days=2)
    given = {"number": 2, "activates_at": moment, "moves_leads": True, "by": sales_leader, "at": AT}
    with pytest.raises(RuleRefused, match="Say why"):
        schedule_version(note=" ", **given)
    assert schedule_version(note="New year", **given).state == "scheduled"
    with pytest.raises(RuleRefused, match="Version 2 is scheduled"):
        remove_draft(number=2)
    assert activate_due_version(at=moment - timedelta(seconds=1)) is None
    assert cancel_schedule(number=2).state == "draft"
    schedule_version(note="New year", **given)

    active = activate_due_version(at=moment)

    assert active is not None
    assert (active.number, active.state, active.activated_at, active.activated_by) == (
        2,
        "active",
        moment,
        sales_leader,
    )
    assert RoutingVersion.objects.get(number=1).state == "retired"
    assert activate_due_version(at=moment) is None
    assert JobRun.objects.get(kind="reroute").period == "version 2"
    with pytest.raises(RuleRefused, match="Version 2 is active"):
        schedule_version(note="again", **given)


def test_rolling_back_makes_a_new_version(draft: RoutingVersion, dach: Territory, sales_leader: User) -> None:
    save_rule(number=2, territory=dach, conditions=FRANCE, rule_id=None)
    schedule_version(number=2, activates_at=AT, note="France", moves_leads=False, by=sales_leader, at=AT)
    with pytest.raises(RuleRefused, match="Say why"):
        roll_back(number=1, note="", by=sales_leader, at=AT)

    made = roll_back(number=1, note="France was a mistake", by=sales_leader, at=AT)

    assert (made.number, made.state, made.note) == (3, "active", "Back to version 1: France was a mistake")
    assert positions(made) == ["DE", "AT"]
    assert list(RoutingVersion.objects.order_by("number").values_list("state", flat=True)) == [
        "retired",
        "retired",
        "active",
    ]
    with pytest.raises(RuleRefused, match="Version 3 is active"):
        roll_back(number=3, note="x", by=sales_leader, at=AT)


def test_assignments_name_the_version_and_the_turn(draft: RoutingVersion, dach: Territory, sales_leader: User) -> None:
    jana, karl = UserFactory(name="Jana Weber"), UserFactory(name="Karl Moser")
    for rep, weight in ((jana, 2), (karl, 1)):
        TerritoryRep.objects.create(territory=dach, rep=rep, weight=weight)
    schedule_version(number=2, activates_at=AT, note="x", moves_leads=False, by=sales_leader, at=AT)
    assign_leads(leads=[LeadFactory(country="AT")], at=AT, settings=in_force())
    log = Assignment.objects.get()
    assert (log.version, log.rule.version.number, log.rule.position) == (draft, 2, 2)
    assert log.rotation == {str(jana.pk): 2, str(karl.pk): 1}


def test_differences_are_told_in_sentences(draft: RoutingVersion, dach: Territory, sales_leader: User) -> None:
    before = RoutingVersion.objects.get(number=1)
    assert differences(before, draft, LEADS) == []
    nordics = TerritoryFactory(name="Nordics")
    germany, austria = draft.rules.order_by("position")
    save_rule(number=2, territory=nordics, conditions=germany.group, rule_id=germany.pk, is_active=False)
    added = save_rule(number=2, territory=dach, conditions=FRANCE, rule_id=None)
    move_rule(number=2, rule_id=austria.pk, place=1)
    assert differences(before, draft, LEADS) == [
        "Rule 1: tried as rule 1 instead of 2",
        "Rule 2: goes to Nordics instead of DACH; switched off; tried as rule 2 instead of 1",
        "Added as rule 3: country is FR → DACH",
    ]
    remove_rule(number=2, rule_id=austria.pk)
    remove_rule(number=2, rule_id=added.pk)
    save_rule(number=2, territory=dach, conditions=FRANCE, rule_id=germany.pk)
    assert differences(before, draft, LEADS) == [
        "Removed: country is AT → DACH",
        "Rule 1: conditions “country is DE” became “country is FR”",
    ]
