"""Keep a company's own method; another share is another version."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from attribution.models import CustomMethod

MEANING = (*CustomMethod.SHARES, "excludes_self_initiated")


def save_custom_method(*, method: CustomMethod, at: datetime) -> CustomMethod:
    """Store a new or edited method. What changes its meaning raises ``version``, so that the next run recomputes its
    credits and says why; a new name, or switching it off and on, does not.

    Raises ValidationError for shares that are negative or do not sum to 100, and for a taken slug.
    """
    with transaction.atomic():
        stored = CustomMethod.objects.select_for_update().filter(pk=method.pk).first() if method.pk else None
        if stored is None:
            method.version, method.changed_at = 1, at
        else:
            method.slug, method.version, method.changed_at = stored.slug, stored.version, stored.changed_at
            if any(getattr(method, name) != getattr(stored, name) for name in MEANING):
                method.version, method.changed_at = stored.version + 1, at
        method.full_clean()
        method.save()
        return method
