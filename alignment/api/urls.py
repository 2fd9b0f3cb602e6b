"""API addresses of the alignment app, below those of config.api."""

from django.urls import URLPattern, path

from alignment.api.performance import Performance
from alignment.api.restatements import ReportRestatements

urlpatterns: list[URLPattern] = [
    path("performance", Performance.as_view(), name="performance"),
    path("reports/<str:week>/restatements", ReportRestatements.as_view(), name="api-report-restatements"),
]
