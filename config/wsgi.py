"""WSGI door, served by gunicorn."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
import_module("config.start").refuse_without_history()  # imports models, which need Django to be set up
# Django reads the views at the first request; that person would wait for it, and every process would read them anew.
get_resolver().url_patterns  # noqa: B018
