"""App registration."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        import_module("leads.figures")  # definitions register themselves on import
        install = import_module("leads.past.install")
        pre_migrate.connect(install.before_migrations, sender=self)
        post_migrate.connect(install.after_migrations, sender=self)
