"""Record pages that visitors open, and forms that are shown. Nobody is looked up."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from leads.models import FormViews, PageView, TrackedSite, WebForm

KEPT_FOR = timedelta(days=180)
BATCH = 5000


def record_page_view(
    *, site: TrackedSite, visitor_id: str, page: str, referrer: str, user_agent: str, at: datetime
) -> None:
    """A visitor opened a page."""
    PageView.objects.create(
        site=site,
        visitor_id=visitor_id[:64],
        viewed_at=at,
        page=page[:1000],
        referrer=referrer[:1000],
        user_agent=user_agent[:300],
    )


@transaction.atomic
def count_form_view(*, form: WebForm, day: date) -> None:
    """A form was shown."""
    FormViews.objects.bulk_create([FormViews(form=form, day=day)], ignore_conflicts=True)
    FormViews.objects.filter(form=form, day=day).update(count=F("count") + 1)


def forget_page_views(*, at: datetime) -> int:
    """Delete page views older than 180 days; touchpoints made of them stay. Returns how many."""
    deleted = 0
    while True:
        old = PageView.objects.filter(viewed_at__lt=at - KEPT_FOR).values_list("pk", flat=True)[:BATCH]
        count, _ = PageView.objects.filter(pk__in=list(old)).delete()
        if not count:
            return deleted
        deleted += count
