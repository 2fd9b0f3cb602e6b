"""Relations point upstream. Import contracts cannot see a ForeignKey given as a string: the model graph is walked."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

OURS = ("leads", "attribution", "integrations", "alignment", "config")
# An app may point at itself and at those named here; Django's own apps only where an abstract base brings them.
UPSTREAM = {
    "leads": {"auth"},
    "attribution": {"leads"},
    "integrations": {"leads"},
    "alignment": {"leads", "attribution", "integrations"},
    "config": set(OURS),
}


def violations(app_models: list[type[models.Model]]) -> list[str]:
    return [
        f"{model._meta.label}.{field.name} points at {field.related_model._meta.label}"
        for model in app_models
        for field in model._meta.get_fields()
        if field.is_relation
        and not field.auto_created
        and isinstance(field.related_model, type)
        and field.related_model._meta.app_label not in UPSTREAM[model._meta.app_label] | {model._meta.app_label}
    ]


def test_every_relation_points_upstream() -> None:
    ours = [model for model in apps.get_models() if model._meta.app_label in OURS]
    assert len(ours) > 40
    assert violations(ours) == []


def test_a_downward_relation_is_found() -> None:
    class Planted(models.Model):
        report = models.ForeignKey("alignment.WeeklyReport", on_delete=models.CASCADE)

        class Meta:
            app_label = "leads"

    try:
        assert violations([Planted]) == ["leads.Planted.report points at alignment.WeeklyReport"]
    finally:
        del apps.all_models["leads"]["planted"]
        apps.clear_cache()


def test_no_default_ordering_and_every_constraint_is_named_once() -> None:
    names: list[str] = []
    for model in apps.get_models():
        if model._meta.app_label in OURS and not model.__name__.startswith("Historical"):
            assert not model._meta.ordering, f"{model} has a default ordering: it sorts every subquery too"
            names += [constraint.name for constraint in model._meta.constraints]
    assert len(names) == len(set(names))
    assert len(names) > 50


@pytest.mark.django_db
def test_constraints_hold_in_the_database() -> None:
    from django.db import IntegrityError, transaction

    from tests.leads.factories import LeadFactory

    with pytest.raises(IntegrityError), transaction.atomic():
        LeadFactory(email=None, external_id=None)
    LeadFactory(email="ada@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        LeadFactory(email="ada@example.com")
