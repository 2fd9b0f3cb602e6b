"""API addresses of the integrations app, below those of config.api."""

from django.urls import URLPattern, path

from integrations.api.leads import CaptureLeads

urlpatterns: list[URLPattern] = [path("leads", CaptureLeads.as_view(), name="api-capture-leads")]
