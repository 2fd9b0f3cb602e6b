"""API addresses of published reports and integration points, directly below those of config.api."""

from django.urls import URLPattern, path

from alignment.api.points import IntegrationPointList
from alignment.api.recommendations import RecommendationList
from alignment.api.reports import ReportDetail, ReportList

urlpatterns: list[URLPattern] = [
    path("reports", ReportList.as_view(), name="api-reports"),
    path("reports/<str:week>", ReportDetail.as_view(), name="api-report"),
    path("recommendations", RecommendationList.as_view(), name="api-recommendations"),
    path("integration-points", IntegrationPointList.as_view(), name="api-integration-points"),
]
