"""App registration."""

from importlib import import_module

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        import_module("integrations.figures")  # definitions register themselves on import
        import_module("integrations.queries.kept_deals")
        import_module("integrations.queries.active").watch_connections()
