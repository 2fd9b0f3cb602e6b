"""Saved views of a list: its menu, and the one that comes first."""

from __future__ import annotations

from typing import Any

from leads.actions.bulk.verbs import VERBS
from leads.forms.bulk import SaveViewForm
from leads.models import SavedView, User
from leads.past.span import moment
from leads.views.doors import SignedInRequest

# What an address says beside what a view keeps.
PASSING = ("page", "export", "view", "as_of", "only")
# Lists that have views, and where they are.
LISTS = {
    "leads": "leads:lead-list",
    "opportunities": "leads:opportunity-list",
    "accounts": "leads:account-list",
    "campaigns": "leads:campaign-list",
    "touchpoints": "leads:touchpoint-list",
}


def default_view(user: User, listing: str) -> SavedView | None:
    """The view that a person wants to see first."""
    if moment() is not None:
        return None
    return SavedView.objects.filter(owner=user, listing=listing, is_default=True).exclude(query="").first()


def kept_query(request: SignedInRequest) -> str:
    """What a view of this page would keep."""
    query = request.GET.copy()
    for name in PASSING:
        query.pop(name, None)
    return query.urlencode()


def view_menu(request: SignedInRequest, listing: str) -> dict[str, Any]:
    """Views that the person sees, and the form to save what is shown; nothing in the past, where views have none."""
    if moment() is not None:
        return {"views": [], "listing": ""}
    query = kept_query(request)
    views = SavedView.objects.visible_to(request.user).filter(listing=listing).select_related("owner").order_by("name")
    return {
        "listing": listing,
        "views": [(view, view.query == query, view.owner_id == request.user.pk) for view in views],
        "view_form": SaveViewForm(by=request.user, initial={"query": query}, auto_id="view_%s"),
    }


def bulk_bar(request: SignedInRequest, listing: str) -> dict[str, Any]:
    """What the person may do with many rows of a list, in the present; everybody exports the rows they mark."""
    asked = request.GET.copy()
    for name in ("page", "export", "only"):
        asked.pop(name, None)
    verbs = [verb for verb in VERBS.values() if verb.listing == listing and verb.may(request.user)]
    return {"bulk": listing if moment() is None else "", "verbs": verbs, "asked": asked.urlencode()}
