"""How touches arrived whose channel the rules decide."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When

from leads.models import Role, Touchpoint, User
from leads.pure.channels.channel_preview import Visits
from leads.pure.channels.channels import Visit
from leads.pure.channels.landing import CLICKED


def visits_since(since: datetime | None) -> list[Visits]:
    """How touches arrived whose channel the rules may decide, alike ones counted together; all of them without a date.

    Left out are touches that told nothing of how they came, and those that only named a campaign, which is filed under
    a channel, without the click id of an ad.
    """
    rows = judged_touches(since).annotate(page=_page()).order_by()
    names = ("utm_source", "utm_medium", "utm_campaign", "referrer", "page", "channel__key")
    return [
        Visits(Visit(*told), channel, count)
        for *told, channel, count in rows.values(*names).annotate(count=Count("pk")).values_list(*names, "count")
    ]


def judged_touches(since: datetime | None = None) -> QuerySet[Touchpoint]:
    """Touches that say how they came: by a tag of source or medium, a referrer, an unknown campaign or an address."""
    page = ~Q(landing_page="") & (Q(campaign__isnull=True) | Q(landing_page__iregex=CLICKED))
    told = ~Q(utm_source="") | ~Q(utm_medium="") | ~Q(referrer="") | page
    rows = Touchpoint.objects.filter(told)
    return rows if since is None else rows.filter(occurred_at__gte=since)


def _page() -> Case:
    # The address counts only where no tag was kept or an ad's click id stands in for the medium; as it is different
    # each time, it would tear alike visits apart.
    return Case(
        When(utm_source="", utm_medium="", utm_campaign="", then=F("landing_page")),
        When(utm_medium="", landing_page__iregex=CLICKED, then=F("landing_page")),
        default=Value(""),
        output_field=CharField(),
    )


def may_read_channel_rules(user: User) -> bool:
    """Whether a person may see the channel rules and what they did: admins and marketing directors."""
    return user.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR)


def may_change_channel_rules(user: User) -> bool:
    """Whether a person may add, change, move, remove, take back and apply channel rules: admins."""
    return user.has_role(Role.ADMIN)
