"""API addresses of the integrations app, below those of config.api."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
