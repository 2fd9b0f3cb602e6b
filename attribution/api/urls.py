"""API addresses of the attribution app, below those of config.api."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
