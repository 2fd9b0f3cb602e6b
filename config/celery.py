"""The Celery application. Its settings are the ``CELERY_`` entries of :mod:`config.settings`."""

import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured

from config.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()


@worker_init.connect
def refuse_without_history(**_: Any) -> None:
    """A worker that writes facts without their past does not start."""
    try:
        import_module("config.start").refuse_without_history()
    except ImproperlyConfigured as refusal:
        # Celery logs what else a signal's receiver raises, and works on.
        raise SystemExit(str(refusal)) from None
