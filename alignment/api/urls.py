"""API addresses of the alignment app, below those of config.api."""

from django.urls import URLPattern, path

from alignment.api.performance import Performance

urlpatterns: list[URLPattern] = [
    path("performance", Performance.as_view(), name="performance"),
]
