"""Remove an opportunity that should never have been made, if nothing else has come to depend on it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError

from leads.models import Opportunity, OpportunityChange

# Made with the opportunity or derived from it: they go with it.
_OWN = {"leads.OpportunityContact", "leads.OpportunityChange"}
_DERIVED = {"attribution"}


def remove_opportunity(*, opportunity_id: int, source: str, unchanged_since: datetime) -> str:
    """Remove it and return nothing, or return why it stays. ``source`` made it; links of others are kept in mind.

    What attribution worked out of it goes with it. The lifecycle of its leads stays: passages are kept for ever.
    """
    with transaction.atomic():
        row = Opportunity.objects.select_for_update(of=("self",)).filter(pk=opportunity_id).first()
        if row is None:
            return ""
        if row.changed_at > unchanged_since:
            return "It was changed since."
        if OpportunityChange.objects.filter(opportunity=row).exclude(source=source).exists():
            return "Its history has lines of another source."
        for relation in Opportunity._meta.related_objects:
            model = relation.related_model
            if not isinstance(model, type) or model._meta.label in _OWN or model._meta.app_label in _DERIVED:
                continue
            if not getattr(relation.field, "null", False) and model._default_manager.filter(
                **{relation.field.name: row}
            ):
                return f"{model._meta.verbose_name_plural} refer to it.".capitalize()
        try:
            with transaction.atomic():
                row.delete()
        except ProtectedError:
            return "Other records refer to it."
    return ""
