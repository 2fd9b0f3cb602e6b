"""What every page knows: the company, the navigation of the person's role, the mode."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from leads.models import Company, Role, Theme, User
from leads.views.past import as_of, takes_as_of

# Label, URL name, icon, roles that see it (empty: everybody).
NAVIGATION: list[tuple[str, str, str, frozenset[str]]] = [
    (
        "Weekly report",
        "alignment:weekly-report-latest",
        "calendar-week",
        frozenset({Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN}),
    ),
    (
        "Attribution",
        "attribution:campaign-attribution",
        "megaphone",
        frozenset({Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN}),
    ),
    ("My day", "leads:my-day", "calendar-week", frozenset({Role.SALES_REP})),
    ("Pipeline", "alignment:pipeline", "funnel", frozenset()),
    ("Leads", "leads:lead-list", "people", frozenset()),
    ("Accounts", "leads:account-list", "building", frozenset()),
    ("Opportunities", "leads:opportunity-list", "cash-coin", frozenset()),
    (
        "Campaigns",
        "leads:campaign-list",
        "flag",
        frozenset({Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN}),
    ),
    (
        "Touchpoints",
        "leads:touchpoint-list",
        "clock-history",
        frozenset({Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN}),
    ),
    ("Territories", "leads:territories", "geo-alt", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    (
        "Scoring",
        "leads:scoring",
        "graph-up",
        frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR, Role.SALES_LEADER}),
    ),
    (
        "Sales feedback",
        "leads:feedback",
        "chat-left-text",
        frozenset({Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.ADMIN}),
    ),
    ("Workflows", "leads:workflows", "diagram-3", frozenset()),
    ("Integration points", "alignment:integration-points", "list-check", frozenset()),
    ("Connections", "integrations:connections", "arrow-repeat", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Forms", "leads:web-forms", "chat-left-text", frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR})),
    ("Imports", "leads:imports", "upload", frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR})),
    ("Definitions", "leads:figures", "question-circle", frozenset()),
    ("Settings", "leads:company-settings", "sliders", frozenset({Role.ADMIN})),
]

# Pages of one subject whose address begins otherwise than that of its first page.
BELONGS = {
    "attribution:campaign-attribution": ("/channels/", "/campaigns/"),
    "leads:territories": ("/transfers",),
}


# Pages of a person's own or of an admin, which search finds, too.
MORE_PAGES: list[tuple[str, str, frozenset[str]]] = [
    ("Fit and engagement", "leads:scoring-grid", frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR, Role.SALES_LEADER})),
    ("Emails of workflows to decide", "leads:workflow-mails", frozenset({Role.ADMIN})),
    ("Notifications", "leads:notifications", frozenset()),
    ("My day", "leads:my-day", frozenset({Role.SALES_LEADER})),
    ("New lead", "leads:lead-add", frozenset()),
    ("Duplicates", "leads:duplicates", frozenset({Role.ADMIN, Role.SALES_LEADER, Role.SALES_REP})),
    ("Notification preferences", "leads:notification-preferences", frozenset()),
    ("Reps", "leads:reps", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Test a lead", "leads:routing-test", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Turns of reps", "leads:routing-fairness", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Transfers", "leads:transfers", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Follow-ups of deactivated people", "leads:stranded", frozenset({Role.ADMIN, Role.SALES_LEADER})),
    ("Company settings", "leads:company-settings", frozenset({Role.ADMIN})),
    ("People and invitations", "leads:people", frozenset({Role.ADMIN})),
    ("Qualification questions", "leads:qualification-settings", frozenset({Role.ADMIN})),
    ("Weekly report settings", "alignment:report-settings", frozenset({Role.ADMIN})),
    ("Slack and Teams", "integrations:chat-destinations", frozenset({Role.ADMIN})),
    ("Webhooks", "integrations:webhook-endpoints", frozenset({Role.ADMIN})),
    ("Set up the portal", "first-run", frozenset({Role.ADMIN})),
    ("Tracked websites", "leads:tracked-sites", frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR})),
    ("Weekly reports", "alignment:weekly-report-list", NAVIGATION[0][3]),
    ("Recommendations", "alignment:recommendations", frozenset()),
    ("Channel rules", "leads:channel-rules", frozenset({Role.ADMIN, Role.MARKETING_DIRECTOR})),
    ("Attribution models", "attribution:methods", NAVIGATION[1][3]),
    ("Attribution accuracy", "attribution:accuracy", NAVIGATION[1][3]),
    ("Attribution runs", "attribution:runs", NAVIGATION[1][3]),
    ("Sourced pipeline", "attribution:sourced", NAVIGATION[1][3]),
]


def pages_for(user: User) -> list[tuple[str, str]]:
    """Label and address of every page that a person's role opens."""
    listed = [*((label, name, roles) for label, name, _, roles in NAVIGATION), *MORE_PAGES]
    pages = [(label, reverse(name)) for label, name, roles in listed if not roles or user.has_role(*map(Role, roles))]
    return [*pages, ("Administration", reverse("admin:index"))] if user.is_staff else pages


def portal(request: HttpRequest) -> dict[str, Any]:
    """Template variables ``company``, ``nav``, ``role``, ``mode``, ``as_of`` (the past moment that is shown),
    ``takes_as_of`` (whether one may be asked) and, on the demo's sign-in page, ``demo_users``."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {"mode": settings.MODE, "role": "", "nav": [], "company": None}
    if request.path.startswith("/admin/") and not getattr(request, "is_error", False):
        return context
    if user is None or not getattr(user, "is_authenticated", False):  # of an API request it is a lazy None
        if settings.MODE == "demo" and request.path == reverse("account_login"):
            context["demo_users"] = _demo_users()
        return context
    items = [
        {
            "label": label,
            "url": reverse(name),
            "icon": icon,
            "is_active": request.path.startswith((reverse(name), *BELONGS.get(name, ()))),
        }
        for label, name, icon, roles in NAVIGATION
        if user.is_superuser or not roles or user.role in roles
    ]
    if user.is_staff:
        items.append({"label": "Admin", "url": reverse("admin:index"), "icon": "gear", "is_active": False})
    match = request.resolver_match
    context |= {"as_of": as_of(request), "takes_as_of": match is not None and takes_as_of(match.func)}
    return {
        **context,
        "company": Company.current(),
        "role": user.get_role_display(),
        "nav": items,
        "themes": Theme.choices,
    }


def _demo_users() -> list[dict[str, str]]:
    try:
        users: list[dict[str, str]] = json.loads((settings.VAR_DIR / "demo.json").read_text())["users"]
    except (OSError, ValueError, KeyError):
        return []
    labels = dict(Role.choices)
    return [{**user, "label": labels.get(user["role"], user["role"])} for user in users]
