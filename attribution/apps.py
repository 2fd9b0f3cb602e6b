"""App registration."""

from importlib import import_module

from django.apps import AppConfig


class AttributionConfig(AppConfig):
    name = "attribution"

    def ready(self) -> None:
        import_module("attribution.figures")  # definitions register themselves on import
