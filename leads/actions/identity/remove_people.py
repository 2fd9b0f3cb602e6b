"""Remove people who should never have been taken over, where nothing has happened to them since."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Model, ProtectedError

from leads.models import Enrollment, Lead, OpportunityContact, TouchKind, Touchpoint

REFERRED = "Other records refer to it."
# Made with the person, derived from them or told of them to other systems: they go with them.
GO_ALONG = frozenset(
    [
        "leads.LeadScore",
        "leads.ShownScore",
        "leads.LeadEvent",
        "leads.Assignment",
        "leads.LifecyclePassage",
        "leads.IdentityKey",
        "leads.WebhookEvent",
    ]
)
_DERIVED = frozenset(["attribution", "integrations"])


def why_people_stay(
    *, lead_ids: Collection[int], without_touches: Collection[int] = (), without_deals: Collection[int] = ()
) -> dict[int, str]:
    """Why a lead cannot be removed, by id; those that can are left out. A fixed number of queries.

    ``without_touches`` and ``without_deals`` are about to go and keep nobody.
    """
    touches = Touchpoint.objects.filter(lead__in=lead_ids).exclude(kind=TouchKind.CRM_RECORD)
    why = dict.fromkeys(
        (pk for pk, touch in touches.values_list("lead", "pk") if touch not in without_touches),
        "There were contacts with the person.",
    )
    deals = OpportunityContact.objects.filter(lead__in=lead_ids).values_list("lead", "opportunity")
    why |= dict.fromkeys((pk for pk, deal in deals if deal not in without_deals), "An opportunity names the person.")
    for relation in Lead._meta.related_objects:
        model = relation.related_model
        if not isinstance(model, type) or not issubclass(model, Model) or model in (Touchpoint, OpportunityContact):
            continue
        if model._meta.label in GO_ALONG or model._meta.app_label in _DERIVED:
            continue
        name = relation.field.name
        words = f"{str(model._meta.verbose_name_plural).capitalize()} refer to it."
        rows = model._default_manager.filter(**{f"{name}__in": lead_ids})
        if model is Enrollment:
            rows = rows.filter(turn__isnull=False)  # a workflow that only looked at the person did nothing
        why |= dict.fromkeys(rows.values_list(name, flat=True), words)
    return why


def remove_people(*, lead_ids: Collection[int]) -> dict[int, str]:
    """Remove them, in one transaction, but those that it returns with the reason why they stay."""
    with transaction.atomic():
        rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=lead_ids).order_by("pk")
        ids = list(rows.values_list("pk", flat=True))
        why = why_people_stay(lead_ids=ids)
        return why | _delete([pk for pk in ids if pk not in why])


def _delete(ids: Collection[int]) -> dict[int, str]:
    """All at once; one by one where something protects one of them."""
    try:
        with transaction.atomic():
            Lead.objects.filter(pk__in=ids).delete()
    except ProtectedError:
        if len(ids) == 1:
            return dict.fromkeys(ids, REFERRED)
        return {pk: why for each in ids for pk, why in _delete([each]).items()}
    return {}
