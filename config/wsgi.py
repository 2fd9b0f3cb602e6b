"""WSGI door, served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Django reads the views at the first request; that person would wait for it, and every process would read them anew.
get_resolver().url_patterns  # noqa: B018
