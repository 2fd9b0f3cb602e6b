"""Nouns of the CRM sync."""

from integrations.models.connection import (
    Connection,
    ExternalRecord,
    FieldMap,
    RecordKind,
    RemoteSchema,
    StageMap,
    Watermark,
    may_edit_connections,
    may_see_connections,
)
from integrations.models.sync import PendingPush, SyncHint, SyncRecord, SyncRun

__all__ = [
    "Connection",
    "ExternalRecord",
    "FieldMap",
    "PendingPush",
    "RecordKind",
    "RemoteSchema",
    "StageMap",
    "SyncHint",
    "SyncRecord",
    "SyncRun",
    "Watermark",
    "may_edit_connections",
    "may_see_connections",
]
