"""The sync in the admin: to look at, with connections' names to edit. Secrets never appear."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from integrations.models import (
    Connection,
    ExternalRecord,
    FieldMap,
    PendingPush,
    RemoteSchema,
    StageMap,
    SyncHint,
    SyncRecord,
    SyncRun,
    Watermark,
)
from leads.admin.read_only import ReadOnly


class SyncRows(ReadOnly):
    """What happened is not edited; there is much of it."""

    list_per_page = 50


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin[Connection]):
    """The name. Everything else is set on the connection's pages, where it is checked and what follows from it done."""

    list_display = ("name", "kind", "base_url", "is_active", "health", "paused_until", "secret_set_at")
    fields = (
        "name", "is_active", "slug", "kind", "base_url", "health", "health_note", "health_at", "paused_until",
        "failures", "switched_on_at", "sign_in", "settings", "currency", "merges_people",
        "quota_left", "quota_limit", "quota_resets_at",
        "secret_set_at", "lease_until", "fence", "created_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(StageMap)
class StageMapAdmin(SyncRows):
    """Edited on the connection's page, which has the deals read again."""

    list_display = ("connection", "remote_key", "remote_name", "stage")
    list_select_related = ("connection", "stage")
    list_filter = ("connection",)


@admin.register(FieldMap)
class FieldMapAdmin(SyncRows):
    """Edited on the connection's page, which has what changed read and sent again."""

    list_display = ("connection", "kind", "local", "remote", "direction", "policy")
    list_select_related = ("connection",)
    list_filter = ("connection", "kind")


@admin.register(RemoteSchema)
class RemoteSchemaAdmin(SyncRows):
    """What the CRM described; read anew by each test of the connection."""

    list_display = ("connection", "kind", "read_at")
    list_select_related = ("connection",)


@admin.register(SyncHint)
class SyncHintAdmin(SyncRows):
    """What webhooks made us look at."""

    list_display = ("received_at", "connection", "kind", "remote_id", "is_gone", "looked_at")
    list_select_related = ("connection",)
    list_filter = ("connection", "kind")


@admin.register(Watermark)
class WatermarkAdmin(SyncRows):
    """How far each kind was read."""

    list_display = ("connection", "kind", "read_to", "window_ends_at")
    list_select_related = ("connection",)


@admin.register(ExternalRecord)
class ExternalRecordAdmin(SyncRows):
    """Who is who in the CRM."""

    list_display = ("remote_id", "kind", "connection", "lead", "opportunity", "owner", "synced_at", "archived_at")
    list_select_related = ("connection", "lead", "opportunity", "owner")
    list_filter = ("kind", "connection")
    search_fields = ("remote_id", "lead__email")


@admin.register(PendingPush)
class PendingPushAdmin(SyncRows):
    """What is owed."""

    list_display = ("lead", "connection", "state", "attempts", "not_before", "error_code", "error_field", "last_error")
    list_select_related = ("connection", "lead")
    list_filter = ("state", "connection")
    search_fields = ("lead__email",)


@admin.register(SyncRun)
class SyncRunAdmin(SyncRows):
    """Runs."""

    list_display = ("connection", "direction", "state", "reason", "started_at", "created", "updated", "rejected")
    list_select_related = ("connection",)
    list_filter = ("direction", "state", "connection")


@admin.register(SyncRecord)
class SyncRecordAdmin(SyncRows):
    """What a run did to a record."""

    list_display = ("at", "outcome", "remote_id", "lead", "opportunity", "note")
    list_select_related = ("lead", "opportunity")
    list_filter = ("outcome",)
