"""What the parts of the contract write and read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.connectors.base import Connector, Draft, Window
from tests.integrations.connectors.harness import Harness

STAMP = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def everything() -> Window:
    return Window(None, datetime.now(UTC) + timedelta(seconds=5))


def drafts(crm: Harness, count: int, prefix: str = "lead", start: int = 0) -> list[Draft]:
    return [Draft(f"{prefix}-{n}", crm.person(start + n)) for n in range(count)]


def read_all(connector: Connector, kind: str = "person", window: Window | None = None) -> list[Any]:
    return [record for page in connector.changes(kind, window or everything()) for record in page.records]


def read_gone(connector: Connector) -> list[Any]:
    return [record for page in connector.gone("person", everything()) for record in page.records]


def read_ended(connector: Connector) -> dict[str, Any]:
    """Records that are no more, by id, from where this CRM tells of them."""
    records = read_all(connector) if connector.capabilities.deletes else []
    records += read_gone(connector)
    return {record.remote_id: record for record in records if record.is_archived}
