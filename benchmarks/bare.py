"""The bare view that capture is measured beside: the same server, middleware and key check, one row, nothing else."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from leads.models import ApiKey


class BareRow(models.Model):
    """What arrived, and when."""

    received_at = models.DateTimeField(db_index=True)
    payload = models.JSONField()

    class Meta:
        app_label = "leads"
        managed = False
        db_table = "bench_bare"

    def __str__(self) -> str:
        return str(self.pk)


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Check the key, parse the body, insert a row."""
    key: Any = ApiKey.objects.get_from_key(request.headers["Authorization"].split()[1])
    if key.has_expired or "leads:write" not in key.scopes:
        return HttpResponse(status=403)
    row = BareRow.objects.create(received_at=timezone.now(), payload=json.loads(request.body))
    return JsonResponse({"id": row.pk}, status=201)


urlpatterns = [path("api/v1/bare", bare), path("", include("config.urls"))]
