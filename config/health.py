"""Liveness (the process answers) and readiness (it can do its work)."""

from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.cache import SharedOrOwn


@require_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process serves requests; says nothing about what it depends on."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and broker are there; 503 with the failing part named otherwise."""
    parts = {"database": _database(), "broker": _broker()}
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if is_ready else "unavailable", **parts}, status=200 if is_ready else 503)


def _database() -> str:
    # The driver's error may hold the connection string, so only its kind leaves the process.
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations pending"
    except Exception as error:
        return type(error).__name__
    return "ok"


def _broker() -> str:
    shared = caches["default"]
    if not isinstance(shared, SharedOrOwn):
        return "ok"
    try:
        shared.ping()
    except Exception as error:
        return type(error).__name__
    return "ok"
