"""Nouns of the CRM sync."""

from integrations.models.connection import Connection, ExternalRecord, RecordKind, StageMap, Watermark
from integrations.models.sync import PendingPush, SyncRecord, SyncRun

__all__ = [
    "Connection",
    "ExternalRecord",
    "PendingPush",
    "RecordKind",
    "StageMap",
    "SyncRecord",
    "SyncRun",
    "Watermark",
]
