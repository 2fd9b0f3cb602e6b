"""Nouns of the CRM sync."""

from integrations.models.connection import (
    EDITORS,
    LOOKERS,
    Connection,
    CrmPeople,
    ExternalRecord,
    FieldMap,
    FormerRecord,
    RecordKind,
    RemoteSchema,
    StageMap,
    Watermark,
)
from integrations.models.sync import PendingPush, SyncHint, SyncRecord, SyncRun

__all__ = [
    "EDITORS",
    "LOOKERS",
    "Connection",
    "CrmPeople",
    "ExternalRecord",
    "FieldMap",
    "FormerRecord",
    "PendingPush",
    "RecordKind",
    "RemoteSchema",
    "StageMap",
    "SyncHint",
    "SyncRecord",
    "SyncRun",
    "Watermark",
]
