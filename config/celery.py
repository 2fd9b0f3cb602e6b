"""The Celery application. Its settings are the ``CELERY_`` entries of :mod:`config.settings`."""

import os
from importlib import import_module
from typing import Any

from celery import Celery, Task
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured

from config.schedule import SCHEDULE
from leads.past.acting import Door, act
from leads.past.backends.sqlite3.turn import give_way

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


# What people read in a change history: "Publish the weekly report", not the path of a function.
TITLES = {entry["task"]: key.partition(": ")[2].capitalize() for key, entry in SCHEDULE.items()}


class PortalTask(Task):  # type: ignore[type-arg]  # the stubs make it generic, the library does not
    """What a task writes names the task."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with act(Door.JOB, source=TITLES.get(self.name, self.name), because="Scheduled work"):
            return super().__call__(*args, **kwargs)


app = Celery("portal", task_cls=PortalTask)
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


@worker_init.connect
def let_requests_write_first(**_: Any) -> None:
    """On SQLite, where one writes at a time."""
    give_way()
