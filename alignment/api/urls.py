"""API addresses of the alignment app, below those of config.api."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
