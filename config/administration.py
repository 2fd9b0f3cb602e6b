"""Django's admin as an admin of the portal knows it: in groups, in the company's time zone, machinery apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone

from leads.models import Company

# Groups in order, each with its models in order and what they are called there.
GROUPS: dict[str, dict[str, str]] = {
    "People and territories": {
        "leads.User": "People",
        "leads.Territory": "Territories",
        "leads.TerritoryRule": "Territory rules of all versions",
        "leads.Assignment": "Assignment log",
        "leads.Account": "Accounts",
    },
    "Scoring and follow-up": {
        "leads.ScoringRuleSet": "Scoring rules",
        "leads.FollowUp": "Follow-ups",
    },
    "Campaigns and costs": {
        "leads.Campaign": "Campaigns",
        "leads.CampaignCost": "Campaign costs",
        "leads.CostEntry": "Change history of costs",
        "leads.Channel": "Channels",
        "leads.ChannelRule": "Channel rules",
        "attribution.AttributionRules": "Attribution settings",
        "attribution.CustomMethod": "Custom attribution models",
        "attribution.LiftTest": "Incrementality tests",
        "attribution.SourceCheck": "Self-reported attribution",
    },
    "Money": {
        "leads.Company": "Company settings",
        "leads.ExchangeRate": "Exchange rates",
        "leads.PipelineStage": "Pipeline stages",
        "alignment.Target": "Targets",
    },
    "Integration points": {
        "alignment.IntegrationPoint": "Integration points",
    },
    "Keys": {
        "leads.ApiKey": "API keys",
        "integrations.Connection": "CRM connections",
    },
}
SYSTEM = "System"
View = TypeVar("View", bound=Callable[..., Any])


def group_of(label: str) -> str:
    """The group of a model by its label; whatever no group names is machinery."""
    return next((name for name, models in GROUPS.items() if label in models), SYSTEM)


class Administration(AdminSite):
    """The admin of the portal."""

    site_header = "RevOps Portal"
    site_title = "RevOps Portal"
    index_title = "Administration"

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The groups, and for superusers one entry for the rest; of one app only what the person may open."""
        apps = super().get_app_list(request, app_label)
        by_label = {model["model"]._meta.label: model for app in apps for model in app["models"]}
        groups = [_group(name, names, by_label) for name, names in GROUPS.items()]
        if request.user.is_superuser and app_label is None:
            groups.append(_system_entry())
        return [group for group in groups if group["models"]]

    def system_list(self, request: HttpRequest) -> list[Any]:
        """Every model that no group names, by app."""
        apps = super().get_app_list(request)
        for app in apps:
            app["models"] = [row for row in app["models"] if group_of(row["model"]._meta.label) == SYSTEM]
        return [app for app in apps if app["models"]]

    def get_urls(self) -> list[Any]:
        more: list[URLPattern | URLResolver] = [path("system/", self.admin_view(self.system), name="system")]
        return [*more, *super().get_urls()]

    def system(self, request: HttpRequest) -> HttpResponse:
        """Records of the machinery, for superusers."""
        if not request.user.is_superuser:
            raise PermissionDenied("Superusers open system records.")
        context = {**self.each_context(request), "title": SYSTEM, "app_list": self.system_list(request)}
        return TemplateResponse(request, "admin/system.html", context)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Pages tell and take times in the company's zone; those of machinery are for superusers."""
        inner = super().admin_view(view, cacheable)
        owner = getattr(view, "__self__", None)
        group = group_of(owner.opts.label) if isinstance(owner, ModelAdmin) else ""

        @wraps(inner)
        def local(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if group == SYSTEM and self.has_permission(request) and not request.user.is_superuser:
                raise PermissionDenied("Superusers open system records.")
            request.admin_group = group  # type: ignore[attr-defined]  # for the breadcrumbs of every page
            with timezone.override(Company.current().tz):
                response = inner(request, *args, **kwargs)
                # Drawn later, after the time zone is gone, were it not now.
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
            return response

        return cast("View", local)


def _group(name: str, names: dict[str, str], by_label: dict[str, Any]) -> dict[str, Any]:
    models = [{**by_label[label], "name": said} for label, said in names.items() if label in by_label]
    slug = name.lower().replace(" ", "-")
    return {
        "name": name,
        "app_label": slug,
        "app_url": f"{reverse('admin:index')}#{slug}",
        "has_module_perms": True,
        "models": models,
    }


def _system_entry() -> dict[str, Any]:
    url = reverse("admin:system")
    entry = {"name": "System records", "object_name": "System", "admin_url": url, "add_url": None, "view_only": True}
    return {"name": SYSTEM, "app_label": "system", "app_url": url, "has_module_perms": True, "models": [entry]}
