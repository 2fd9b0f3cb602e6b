"""App registration of the composition root (it owns commands, no models)."""

from importlib import import_module

from django.apps import AppConfig


class Config(AppConfig):
    name = "config"
    verbose_name = "Portal"

    def ready(self) -> None:
        import_module("config.checks")
