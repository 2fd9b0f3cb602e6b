"""API addresses of the leads app, below those of config.api."""

from django.urls import URLPattern, path

from leads.api.leads import LeadDetail, LeadList

urlpatterns: list[URLPattern] = [
    path("leads", LeadList.as_view(), name="api-leads"),
    path("leads/<uuid:lead_id>", LeadDetail.as_view(), name="api-lead"),
]
