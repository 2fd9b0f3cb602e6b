"""API addresses of the leads app, below those of config.api."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
