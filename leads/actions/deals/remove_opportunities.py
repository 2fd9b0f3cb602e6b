"""Remove opportunities that should never have been made, where nothing else has come to depend on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError

from leads.models import Opportunity, OpportunityChange

# Made with the opportunity or derived from it: they go with it.
_OWN = {"leads.OpportunityContact", "leads.OpportunityChange"}
_DERIVED = {"attribution"}
REFERRED = "Other records refer to it."


def why_opportunities_stay(*, unchanged_since: Mapping[int, datetime], source: str) -> dict[int, str]:
    """Why an opportunity cannot be removed, by id; those that can are left out. A fixed number of queries.

    ``unchanged_since`` is by opportunity; one that was changed later stays. ``source`` made them.
    """
    ids, why = list(unchanged_since), {}
    changes = OpportunityChange.objects.filter(opportunity__in=ids).exclude(source=source)
    for pk in changes.values_list("opportunity", flat=True).distinct():
        why[pk] = "Its history has lines of another source."
    for relation in Opportunity._meta.related_objects:
        model = relation.related_model
        if not isinstance(model, type) or model._meta.label in _OWN or model._meta.app_label in _DERIVED:
            continue
        if not getattr(relation.field, "null", False):
            name = relation.field.name
            for pk in model._default_manager.filter(**{f"{name}__in": ids}).values_list(name, flat=True):
                why[pk] = f"{model._meta.verbose_name_plural} refer to it.".capitalize()
    rows = Opportunity.objects.filter(pk__in=ids).values_list("pk", "changed_at")
    return why | {pk: "It was changed since." for pk, at in rows if at > unchanged_since[pk]}


def remove_opportunities(*, unchanged_since: Mapping[int, datetime], source: str) -> dict[int, str]:
    """Remove them, in one transaction, but those that it returns with the reason why they stay.

    What attribution worked out of them goes, too. The lifecycle of their leads stays: passages are kept for ever.
    """
    with transaction.atomic():
        rows = Opportunity.objects.select_for_update(of=("self",)).filter(pk__in=unchanged_since).order_by("pk")
        ids = list(rows.values_list("pk", flat=True))
        why = why_opportunities_stay(unchanged_since={pk: unchanged_since[pk] for pk in ids}, source=source)
        return why | _delete([pk for pk in ids if pk not in why])


def _delete(ids: Collection[int]) -> dict[int, str]:
    """All at once; one by one where something protects one of them."""
    try:
        with transaction.atomic():
            Opportunity.objects.filter(pk__in=ids).delete()
    except ProtectedError:
        if len(ids) == 1:
            return dict.fromkeys(ids, REFERRED)
        return {pk: why for each in ids for pk, why in _delete([each]).items()}
    return {}
