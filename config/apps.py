"""App registration of the composition root (it owns commands, no models)."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "config"
    verbose_name = "Portal"
