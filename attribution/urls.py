"""Pages of the attribution app."""

from django.urls import URLPattern

app_name = "attribution"
urlpatterns: list[URLPattern] = []
