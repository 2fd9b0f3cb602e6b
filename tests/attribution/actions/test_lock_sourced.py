"""Locking and unlocking the test of sourced deals; a company's own methods."""

from __future__ import annotations

import importlib
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from attribution.actions.lock_sourced import (
    DecisionRefused,
    choose_sourced_test,
    lock_sourced_test,
    unlock_sourced_test,
)
from attribution.actions.save_custom_method import save_custom_method
from attribution.models import AttributionRules, CustomMethod, SourcedDecision
from leads.figures.base import definition, definitions
from tests.attribution.factories import AT, day
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_locked_test_changes_only_after_an_unlock_with_a_reason() -> None:
    lock_sourced_test(test="lead_creation", reason="Agreed in the monthly meeting", by=None, at=AT)
    rules = AttributionRules.objects.get()
    assert (rules.sourced_test, rules.sourced_locked_at) == ("lead_creation", AT)
    with pytest.raises(DecisionRefused, match="unlock it first"):
        lock_sourced_test(test="first_touch", reason="I like it more", by=None, at=AT)
    with pytest.raises(DecisionRefused, match="Give the reason"):
        unlock_sourced_test(reason=" ", by=None, at=AT)
    assert AttributionRules.objects.get().sourced_locked_at == AT
    unlock_sourced_test(reason="Sales disagrees", by=None, at=AT)
    lock_sourced_test(test="first_touch", reason="Agreed anew", by=None, at=AT)
    told = SourcedDecision.objects.order_by("pk").values_list("kind", "test", "reason")
    assert list(told) == [
        ("locked", "lead_creation", "Agreed in the monthly meeting"),
        ("unlocked", "lead_creation", "Sales disagrees"),
        ("locked", "first_touch", "Agreed anew"),
    ]


def test_another_test_is_another_version_of_the_figure_and_the_same_is_not() -> None:
    written = definition("pipeline.sourced").version
    ada = UserFactory(name="Ada Berg")
    lock_sourced_test(test="first_touch", reason="As it is", by=ada, at=AT)
    unlock_sourced_test(reason="Sales disagrees", by=ada, at=AT)
    assert definition("pipeline.sourced").version == written
    choose_sourced_test(test="lead_creation", reason="To try it", by=None, at=AT)
    lock_sourced_test(test="opportunity_creation", reason="Both agreed", by=ada, at=day(90))
    for key, before in (("pipeline.sourced", written), ("pipeline.sourced_revenue", written - 1)):
        meaning = definition(key)
        assert meaning.version == before + 2 == next(each for each in definitions() if each.key == key).version
        told = [(each.version, each.at, each.by, each.reason) for each in meaning.revisions]
        assert told == [(before + 1, AT, "", "To try it"), (before + 2, day(90), "Ada Berg", "Both agreed")]
        assert "It was: The touchpoint that made the first contact known" in meaning.meaning
    assert definition("pipeline.sourced.lead_creation").version == 1
    with pytest.raises(DecisionRefused, match="locked"):
        choose_sourced_test(test="first_touch", reason="Again", by=None, at=AT)
    newest = SourcedDecision.objects.exclude(test_before="").latest("pk")
    assert newest.test == AttributionRules.objects.get().sourced_test


def test_changes_from_before_they_were_kept_are_found() -> None:
    for kind, test in (("locked", "first_touch"), ("unlocked", "first_touch"), ("locked", "lead_creation")):
        SourcedDecision.objects.create(kind=kind, test=test, reason="why", at=AT)
    AttributionRules.objects.update(sourced_test="opportunity_creation")
    importlib.import_module("attribution.migrations.0008_sourced_versions").find_changes(apps, None)
    found = SourcedDecision.objects.order_by("pk").values_list("kind", "test", "test_before")
    assert list(found[2:]) == [
        ("locked", "lead_creation", "first_touch"),
        ("changed", "opportunity_creation", "lead_creation"),
    ]
    assert {before for _, _, before in found[:2]} == {""}


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(DecisionRefused, match="not locked"):
        unlock_sourced_test(reason="why not", by=None, at=AT)
    with pytest.raises(DecisionRefused, match="is no test"):
        lock_sourced_test(test="gut_feeling", reason="why not", by=None, at=AT)
    with pytest.raises(DecisionRefused, match="Give the reason"):
        lock_sourced_test(test="first_touch", reason="", by=None, at=AT)
    with pytest.raises(DecisionRefused, match="already"):
        choose_sourced_test(test="first_touch", reason="why not", by=None, at=AT)
    assert not SourcedDecision.objects.exists()
    assert AttributionRules.objects.get().sourced_locked_at is None


def test_another_share_is_another_version_and_another_name_is_not() -> None:
    own = save_custom_method(method=CustomMethod(slug="ours", name="Ours", first_touch=50, closing=50), at=AT)
    assert (own.version, own.changed_at, own.key) == (1, AT, "custom-ours")
    own.name = "Our mix"
    assert save_custom_method(method=own, at=day(90)).version == 1
    own.first_touch, own.others = Decimal(40), Decimal(10)
    own = save_custom_method(method=own, at=day(91))
    assert (own.version, own.changed_at) == (2, day(91))
    own.others = Decimal(11)
    with pytest.raises(ValidationError, match="sum to 101"):
        save_custom_method(method=own, at=day(92))
    assert CustomMethod.objects.get().version == 2
