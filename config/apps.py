"""App registration of the composition root (it owns commands, no models)."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class Config(AppConfig):
    name = "config"
    verbose_name = "Portal"

    def ready(self) -> None:
        import_module("config.checks")
        import_module("config.crm_facts").register()


class AdministrationConfig(admin_apps.AdminConfig):
    default = False
    default_site = "config.administration.Administration"
