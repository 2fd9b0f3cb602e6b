"""Pages of the alignment app."""

from django.urls import URLPattern, path

from alignment.views import pipeline

app_name = "alignment"
urlpatterns: list[URLPattern] = [
    path("pipeline", pipeline.pipeline, name="pipeline"),
]
