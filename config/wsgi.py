"""WSGI door, served by gunicorn."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
import_module("config.start").refuse_without_history()  # imports models, which need Django to be set up
# Django reads the views at the first request; that person would wait for it, and every process would read them anew.
get_resolver().url_patterns  # noqa: B018
# A page makes thousands of small objects, nearly all of them gone by the time it is sent. With Python's usual threshold
# of 700 it would look through them a hundred times, and now and then through everything that was loaded at the start.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 10, 10)
