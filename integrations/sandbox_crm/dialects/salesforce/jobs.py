"""Jobs of Bulk API 2.0: their rows as text, and what became of them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .objects import Field

CLEARED = "#N/A"
HIDDEN = ("externalIdFieldName", "numberRecordsProcessed", "numberRecordsFailed")
"""What a list of jobs does not show."""


def typed(cells: Mapping[str, str], fields: Sequence[Field]) -> dict[str, Any]:
    """The cells of a row as the values they stand for: an empty one says nothing, `#N/A` clears."""
    kinds = {each.name: each.type for each in fields}
    row: dict[str, Any] = {}
    for name, cell in cells.items():
        if cell == "":
            continue
        kind = kinds.get(name, "string")
        if cell == CLEARED:
            row[name] = None
        elif kind == "boolean":
            row[name] = cell.lower() == "true"
        elif kind in ("int", "double", "currency", "percent") and cell.lstrip("-").replace(".", "", 1).isdigit():
            row[name] = int(cell) if kind == "int" else float(cell)
        else:
            row[name] = cell
    return row


@dataclass(slots=True)
class Job:
    """An ingest job."""

    id: str
    sobject: str
    key: str
    state: str = "Open"
    content: str = ""
    is_slow: bool = False
    done: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)

    def take(self, cells: Mapping[str, str], result: Mapping[str, Any]) -> None:
        """What became of a row."""
        if result["success"]:
            told = {"sf__Id": str(result["id"]), "sf__Created": str(result["created"]).lower()}
            self.done.append(told | dict(cells))
            return
        error = result["errors"][0]
        words = f"{error['statusCode']}:{error['message']}:{','.join(error['fields'])}--"
        self.failed.append({"sf__Id": "", "sf__Error": words} | dict(cells))

    def shown(self) -> dict[str, Any]:
        """The job as the API shows it."""
        return {
            "id": self.id, "object": self.sobject, "operation": "upsert", "externalIdFieldName": self.key,
            "state": self.state, "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA",
            "contentUrl": f"services/data/v68.0/jobs/ingest/{self.id}/batches", "apiVersion": 68.0,
            "numberRecordsProcessed": len(self.done) + len(self.failed), "numberRecordsFailed": len(self.failed),
        }  # fmt: skip

    def table(self, which: str) -> str:
        """successfulResults or failedResults; nothing is ever left unprocessed here."""
        rows = {"successfulResults": self.done, "failedResults": self.failed}.get(which, [])
        out = io.StringIO()
        if rows:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(reversed(rows))
        return out.getvalue()
