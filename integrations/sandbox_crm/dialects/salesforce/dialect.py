"""Salesforce's REST API as its guide describes it, version 68.0: sign-in, SOQL, collections, composite, describe.

Updates move SystemModstamp even where nothing changed, deleted records stay in `queryAll` for 15 days, places in a list
of results are forgotten after two days, a converted lead is closed to updates. Errors are `[{"message", "errorCode"}]`.
"""

import csv
import io
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ...messages import Answer, Request, json_answer
from ...rules import Refused
from ..base import Call, Route
from ..shapes import Record
from .jobs import HIDDEN, Job, typed
from .objects import FIELDS, PREFIXES, make_id
from .org import PAGE, VERSION, Cursor
from .query import Row
from .rows import Rows
from .soql import parse
from .write import checked, refusal

BATCH, SMALLEST_PAGE = 200, 200
MOST_PARTS, MOST_QUERIES = 25, 5
LONGEST_URL = 16_384
LOCATOR_LIFE = 2 * 24 * 3600
DATA = "/services/data/{version}"


class Salesforce(Rows):
    """The addresses."""

    routes = (
        Route("GET", "/services/oauth2/authorize", "authorize", is_open=True),
        Route("POST", "/services/oauth2/token", "token", is_open=True, is_read=True),
        Route("GET", DATA, "resources"),
        Route("GET", f"{DATA}/query", "query"),
        Route("GET", f"{DATA}/queryAll", "query_all"),
        Route("GET", f"{DATA}/query/{{locator}}", "query_more"),
        Route("GET", f"{DATA}/queryAll/{{locator}}", "query_more"),
        Route("GET", f"{DATA}/sobjects", "describe_all"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/describe", "describe"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/deleted", "deleted"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/updated", "updated"),
        Route("POST", f"{DATA}/sobjects/{{sobject}}", "create_row"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/{{id}}", "row"),
        Route("PATCH", f"{DATA}/sobjects/{{sobject}}/{{id}}", "change_row"),
        Route("DELETE", f"{DATA}/sobjects/{{sobject}}/{{id}}", "delete_row"),
        Route("GET", f"{DATA}/sobjects/{{sobject}}/{{field}}/{{value}}", "row_by_key"),
        Route("PATCH", f"{DATA}/sobjects/{{sobject}}/{{field}}/{{value}}", "upsert_row"),
        Route("POST", f"{DATA}/jobs/ingest", "make_job", is_read=True),
        Route("GET", f"{DATA}/jobs/ingest", "list_jobs"),
        Route("PUT", f"{DATA}/jobs/ingest/{{job}}/batches", "fill_job", is_read=True),
        Route("PATCH", f"{DATA}/jobs/ingest/{{job}}", "close_job"),
        Route("GET", f"{DATA}/jobs/ingest/{{job}}", "job"),
        Route("GET", f"{DATA}/jobs/ingest/{{job}}/successfulResults", "job_results"),
        Route("GET", f"{DATA}/jobs/ingest/{{job}}/failedResults", "job_results"),
        Route("GET", f"{DATA}/jobs/ingest/{{job}}/unprocessedrecords", "job_results"),
        Route("GET", f"{DATA}/limits", "limits"),
        Route("GET", f"{DATA}/connect/organization", "organization"),
        Route("POST", f"{DATA}/composite", "composite", is_read=True),
        Route("PATCH", f"{DATA}/composite/sobjects/{{sobject}}/{{field}}", "upsert"),
        Route("POST", f"{DATA}/composite/sobjects", "create"),
        Route("PATCH", f"{DATA}/composite/sobjects", "update"),
    )

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        # Its guide writes some addresses with a slash at the end and its collection others: both are taken.
        return super()._find(replace(request, path=request.path.rstrip("/")))

    # --- reading ---

    def resources(self, call: Call, version: str) -> Answer:
        """What there is below a version."""
        paths = {name: f"/services/data/{version}/{name}" for name in ("sobjects", "query", "queryAll", "composite")}
        return json_answer(paths | {"identity": self.identity})

    def limits(self, call: Call, version: str) -> Answer:
        """The one limit that this sandbox knows."""
        left = max(0, self.daily_calls - len(self._used))
        return json_answer({"DailyApiRequests": {"Max": self.daily_calls, "Remaining": left}})

    def organization(self, call: Call, version: str) -> Answer:
        """The org's settings, by its Connect API: of an org of one currency, which it is."""
        if not self.tells_currency:
            raise Refused("INSUFFICIENT_ACCESS", "insufficient access rights", status=403)
        features: dict[str, Any] = {"multiCurrency": self.records.meta("currencies") != "single"}
        if not features["multiCurrency"]:
            features["defaultCurrencyIsoCode"] = self.records.meta("currency") or "USD"
        name = self.records.listing("Organization", limit=1)[0].members["Name"]
        return json_answer(
            {"accessTimeout": 120, "features": features, "name": name, "orgId": make_id("Organization", 1)}
        )

    def query(self, call: Call, version: str) -> Answer:
        """Living records."""
        return json_answer(self._select(call, call.request.one("q"), everything=False))

    def query_all(self, call: Call, version: str) -> Answer:
        """Deleted and merged ones too."""
        return json_answer(self._select(call, call.request.one("q"), everything=True))

    def query_more(self, call: Call, version: str, locator: str) -> Answer:
        """The next page."""
        return json_answer(self._more(call, locator))

    def _select(self, call: Call, soql: str, *, everything: bool) -> dict[str, Any]:
        if not soql:
            raise Refused("MALFORMED_QUERY", "A query string has to be specified", status=400)
        if len(soql) > LONGEST_URL:
            raise Refused("URI_TOO_LONG", "The URI is too long.", status=414)
        query = parse(soql)
        rows = self.engine.run(query, everything=everything)
        name = f"01g5f{secrets.token_hex(5)}AAA"
        self._cursors[name] = Cursor(query.sobject, query.fields, tuple(row["Id"] for row in rows), time.monotonic())
        while len(self._cursors) > 50:
            self._cursors.pop(next(iter(self._cursors)))
        return self._shown(call, name, 0, rows[: self._page_size(call)], len(rows), query.fields)

    def _more(self, call: Call, locator: str) -> dict[str, Any]:
        name, _, place = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not place.isdigit() or time.monotonic() - cursor.made > LOCATOR_LIFE:
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator", status=400)
        start = int(place)
        ids = cursor.ids[start : start + self._page_size(call)]
        rows = self.engine.by_ids(cursor.sobject, ids)
        return self._shown(call, name, start, [rows[each] for each in ids], len(cursor.ids), cursor.fields)

    def _shown(
        self, call: Call, name: str, start: int, rows: Sequence[Row], total: int, fields: tuple[str, ...]
    ) -> dict[str, Any]:
        end = start + len(rows)
        sobject = self._cursors[name].sobject
        shown = self.engine.shown(sobject, fields, rows)
        # A row repeated from an earlier page must be one of this query's.
        names = shown[0].keys() if shown else ()
        found = [row for row in call.page(shown) if row["attributes"]["type"] == sobject and row.keys() == names]
        page: dict[str, Any] = {"totalSize": total, "done": end >= total, "records": found}
        if end < total:
            return page | {"nextRecordsUrl": f"/services/data/{VERSION}/query/{name}-{end}"}
        return page

    def _page_size(self, call: Call) -> int:
        wanted = re.search(r"batchSize=(\d+)", call.request.headers.get("sforce-query-options", ""))
        size = min(max(int(wanted[1]), SMALLEST_PAGE), PAGE) if wanted else PAGE
        return min(size, self.page_cap)

    def describe(self, call: Call, version: str, sobject: str) -> Answer:
        """An object's fields."""
        return json_answer(self._described(sobject))

    def _described(self, sobject: str) -> dict[str, Any]:
        fields = self.engine.fields(sobject, status=404)
        return {
            "name": sobject, "label": sobject, "keyPrefix": PREFIXES[sobject], "custom": False, "queryable": True,
            "createable": True, "updateable": True, "fields": [field.described() for field in fields],
        }  # fmt: skip

    # --- several requests in one ---

    def composite(self, call: Call, version: str) -> Answer:
        """Reads only: up to 25 parts, five of them queries. One part's failure is that part's."""
        parts = call.request.json().get("compositeRequest")
        if not isinstance(parts, list) or not 0 < len(parts) <= MOST_PARTS:
            raise Refused("INVALID_INPUT", f"compositeRequest holds 1 to {MOST_PARTS} subrequests.", status=400)
        names = [part.get("referenceId") if isinstance(part, dict) else None for part in parts]
        if len(set(names)) < len(names) or not all(
            isinstance(n, str) and re.fullmatch(r"[A-Za-z]\w*", n) for n in names
        ):
            raise Refused("INVALID_INPUT", "Each subrequest needs a referenceId of its own.", status=400)
        if sum("/query" in str(part.get("url")) for part in parts) > MOST_QUERIES:
            raise Refused("LIMIT_EXCEEDED", f"No more than {MOST_QUERIES} query operations are allowed.", status=400)
        results = []
        for part in parts:
            status, body = self._part(call, part)
            results.append({
                "body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part["referenceId"],
            })  # fmt: skip
        return json_answer({"compositeResponse": results})

    def _part(self, call: Call, part: Mapping[str, Any]) -> tuple[int, Any]:
        url = urlsplit(str(part.get("url")))
        path = url.path.rstrip("/").removeprefix(f"/services/data/{VERSION}/")
        try:
            if part.get("method") != "GET":
                raise Refused("METHOD_NOT_ALLOWED", "This sandbox reads only, in a composite.", status=405)
            if path in ("query", "queryAll"):
                soql = parse_qs(url.query).get("q", [""])[-1]
                return 200, self._select(call, soql, everything=path == "queryAll")
            if found := re.fullmatch(r"query(?:All)?/([\w-]+)", path):
                return 200, self._more(call, found[1])
            if found := re.fullmatch(r"sobjects/(\w+)/describe", path):
                return 200, self._described(found[1])
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        except Refused as refused:
            return refused.status, [{"message": refused.fault.message, "errorCode": refused.fault.code}]

    # --- jobs of Bulk API 2.0 ---

    def make_job(self, call: Call, version: str) -> Answer:
        """An open job: upserts as CSV only."""
        body = call.request.json()
        if body.get("operation") != "upsert" or body.get("contentType", "CSV") != "CSV":
            raise Refused("INVALIDJOB", "This sandbox takes upserts as CSV only.", status=400)
        sobject = str(body.get("object"))
        key = self.external_id(sobject, str(body.get("externalIdFieldName")))
        job = Job(f"7505f{secrets.token_hex(5)}AAA"[:18], sobject, key.name)
        self.jobs[job.id] = job
        return json_answer(job.shown())

    def fill_job(self, call: Call, version: str, job: str) -> Answer:
        """Its rows, once."""
        found = self._job(job)
        if found.state != "Open":
            raise Refused("INVALIDJOBSTATE", "Data may be uploaded once, to an open job.", status=400)
        found.content = call.request.body.decode()
        return Answer(201)

    def close_job(self, call: Call, version: str, job: str) -> Answer:
        """Closed, its rows are written at once, and the first look still finds it under way; or after as many seconds
        as the account's `job_seconds` says."""
        found, state = self._job(job), call.request.json().get("state")
        if state == "Aborted":
            found.state = "Aborted"
            return json_answer(found.shown())
        if state != "UploadComplete" or found.state != "Open":
            raise Refused("INVALIDJOBSTATE", f"A job cannot go from {found.state} to {state}.", status=400)
        found.state = "UploadComplete"
        if seconds := float(self.records.meta("job_seconds", "0")):
            found.is_slow = True
            later = threading.Timer(seconds, self._work_on, (call, found))
            later.daemon = True
            later.start()
        else:
            self._write_rows(call, found)
        return json_answer(found.shown())

    def _work_on(self, call: Call, job: "Job") -> None:
        """What the org does with a closed job on its own, whoever still asks for it."""
        if job.state == "Aborted":
            return
        job.state = "InProgress"
        with self.records.write():
            self._write_rows(call, job)
        job.state = "JobComplete"

    def _write_rows(self, call: Call, job: "Job") -> None:
        seen: set[str] = set()
        for n, cells in enumerate(csv.DictReader(io.StringIO(job.content))):
            job.take(cells, self._job_row(call, job, n, cells, seen))

    def _job_row(self, call: Call, job: "Job", n: int, cells: Mapping[str, str], seen: set[str]) -> dict[str, Any]:
        row = {"attributes": {"type": job.sobject}, **typed(cells, self.engine.fields(job.sobject))}
        value = str(row.get(job.key) or "")

        def write() -> tuple[Record, bool]:
            if value in seen:
                raise refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", job.key)
            seen.add(value)
            checked(job.sobject, row, self.engine.fields(job.sobject))
            return self.upserted(job.sobject, job.key, row, [value], 0)

        return self._row(call, n, row, write)

    def job(self, call: Call, version: str, job: str) -> Answer:
        """How far it is."""
        found = self._job(job)
        following = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}
        if not found.is_slow:
            found.state = following.get(found.state, found.state)
        return json_answer(found.shown())

    def list_jobs(self, call: Call, version: str) -> Answer:
        """All of them on one page; what only the job itself shows is left out."""
        rows = [
            {name: value for name, value in each.shown().items() if name not in HIDDEN} for each in self.jobs.values()
        ]
        return json_answer({"done": True, "records": rows, "nextRecordsUrl": None})

    def job_results(self, call: Call, version: str, job: str) -> Answer:
        """What became of its rows, as CSV, the last first: their order is not kept."""
        which = call.route.path.rpartition("/")[2]
        return Answer(200, self._job(job).table(which).encode(), "text/csv; charset=UTF-8")

    def _job(self, job: str) -> "Job":
        if job not in self.jobs:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return self.jobs[job]

    # --- writing ---

    def upsert(self, call: Call, version: str, sobject: str, field: str) -> Answer:
        """Up to 200 records of one type by an external id."""
        rows = self._rows(call, sobject)
        key = self.external_id(sobject, field)
        given = [str(row.get(key.name) or "") for row in rows]
        results = [
            self._row(call, n, row, lambda row=row, n=n: self.upserted(sobject, key.name, row, given, n))
            for n, row in enumerate(rows)
        ]
        return json_answer(results)

    def create(self, call: Call, version: str) -> Answer:
        """Up to 200 new records."""
        return self._each(call, lambda row: (self.written(row["attributes"]["type"], None, row), True))

    def update(self, call: Call, version: str) -> Answer:
        """Up to 200 records by their ids."""
        return self._each(call, lambda row: (self.changed(row), False))

    def _each(self, call: Call, write: Callable[[Mapping[str, Any]], tuple[Record, bool]]) -> Answer:
        rows = self._rows(call, None)
        results = [self._row(call, n, row, lambda row=row: write(row)) for n, row in enumerate(rows)]
        return json_answer([{name: value for name, value in each.items() if name != "created"} for each in results])

    def _rows(self, call: Call, sobject: str | None) -> list[dict[str, Any]]:
        body = call.request.json()
        rows = body.get("records")
        if body.get("allOrNone") not in (None, False) or not isinstance(rows, list):
            raise Refused("JSON_PARSER_ERROR", "records must be a list; this sandbox knows no allOrNone.", status=400)
        if len(rows) > BATCH:
            message = f"Record limit reached: cannot submit more than {BATCH} records in this operation"
            raise Refused("LIMIT_EXCEEDED", message, status=400)
        for row in rows:
            kind = (row.get("attributes") or {}).get("type") if isinstance(row, dict) else None
            if not isinstance(kind, str) or kind not in FIELDS or (sobject and kind != sobject):
                raise Refused("INVALID_INPUT", "Each record needs attributes with the type of the request.", status=400)
            checked(kind, row, self.engine.fields(kind))
        return rows

    def _row(self, call: Call, n: int, row: Mapping[str, Any], write: Any) -> dict[str, Any]:
        try:
            if call.fails_row(n):
                code = next((fault.code for fault in call.faults if fault.kind == "rows"), "")
                raise refusal(code or "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
            record, is_new = write()
            return {"id": record.id, "success": True, "errors": [], "created": is_new}
        except Refused as refused:
            fault = refused.fault
            fields = [fault.field] if fault.field else []
            return {
                "success": False,
                "errors": [{"statusCode": fault.code, "message": fault.message, "fields": fields}],
            }


DIALECT = Salesforce
