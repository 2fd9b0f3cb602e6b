"""Many leads to Salesforce by one job of Bulk API 2.0: rows as CSV, results read back by our key.

A job is made, filled, closed, and asked after until it is done; nothing is written before it is closed, so whatever
fails until then is clearly not done. Afterwards a row without a result is unclear, and looked up before it is sent
again. In such a file an empty cell leaves a field alone and `#N/A` clears it. Results come in no order.
"""

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ..base import (
    Created,
    CrmError,
    Draft,
    Misuse,
    Outage,
    Outcome,
    Rejected,
    RetryLater,
    ScopeMissing,
    Unknown,
    Updated,
)
from .push import BUSY, BUSY_PAUSE, CONVERTED_CODE
from .records import lead_row
from .session import DATA, SalesforceSession
from .soql import KEY

JOBS = f"{DATA}/jobs/ingest"
BULK_FROM, BULK_SIZE = 2_000, 10_000
"""Below so many a few calls of 200 are quicker; a job takes what Salesforce cuts into one chunk of its own."""
CLEARED = "#N/A"
FIRST_LOOK, LAST_LOOK, LONGEST = 1.0, 20.0, 1800.0
ROWS_A_SECOND = 2_000
RUNNING = ("Open", "UploadComplete", "InProgress")
WRITING = ("UploadComplete", "InProgress")
MOST_PAGES = 20


def push_many(
    session: SalesforceSession,
    drafts: Sequence[Draft],
    *,
    beat: Callable[[], object],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Outcome]:
    """An outcome by key; of converted leads none, for they are somebody else's to send. `beat` is called while waiting.

    Raises what kept the job from being closed: nothing was written then.
    """
    job = _opened(session, drafts)
    try:
        session.call("PATCH", f"{JOBS}/{job}", body={"state": "UploadComplete"})
    except Outage as outage:
        if not outage.unclear:
            raise
        return {draft.key: Unknown(draft.key, outage.code) for draft in drafts}
    try:
        state = _awaited(session, job, len(drafts), beat, pause)
        if state != "JobComplete":
            return {draft.key: Unknown(draft.key, f"job_{state.lower()}") for draft in drafts}
        return _results(session, job, drafts)
    except CrmError as error:  # what was closed may have been written
        return {draft.key: Unknown(draft.key, error.code or "job_unclear") for draft in drafts}


def job_under_way(session: SalesforceSession) -> bool:
    """Whether leads are being written by our key: by a job that was closed and is not over. Jobs come a thousand at
    a time, in no order. Who may not list them could not have made one."""
    path = f"{JOBS}?jobType=V2Ingest"
    for _ in range(MOST_PAGES):
        try:
            payload = session.call("GET", path).payload
        except (Misuse, ScopeMissing):
            return False
        if not isinstance(payload, dict) or not isinstance(payload.get("records"), list):
            raise Outage(f"GET {JOBS} answered in an unknown shape.", code="unreadable")
        for row in payload["records"]:
            is_like = (row.get("object"), row.get("operation")) == ("Lead", "upsert") and row.get("state") in WRITING
            if is_like and session.call("GET", f"{JOBS}/{row['id']}").payload.get("externalIdFieldName") == KEY:
                return True
        following = payload.get("nextRecordsUrl")
        if not isinstance(following, str) or not following.startswith(f"{JOBS}?"):
            break
        path = following
    return False


def _opened(session: SalesforceSession, drafts: Sequence[Draft]) -> str:
    made = {
        "object": "Lead",
        "operation": "upsert",
        "externalIdFieldName": KEY,
        "contentType": "CSV",
        "lineEnding": "LF",
    }
    answer = session.call("POST", JOBS, body=made)
    job = answer.payload.get("id") if isinstance(answer.payload, dict) else None
    if not isinstance(job, str) or not job.isalnum():
        raise Outage(f"POST {JOBS} answered in an unknown shape.", code="unreadable")
    session.send_text("PUT", f"{JOBS}/{job}/batches", table(drafts))
    return job


def table(drafts: Sequence[Draft]) -> str:
    """The file of a job, with a column for every field that any draft names."""
    rows = [lead_row(draft.key, draft.fields, is_known=draft.remote_id is not None) for draft in drafts]
    names = list(dict.fromkeys(name for row in rows for name in row if name != "attributes"))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_cell(row[name]) if name in row else "" for name in names] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return CLEARED
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _awaited(
    session: SalesforceSession, job: str, rows: int, beat: Callable[[], object], pause: Callable[[float], None]
) -> str:
    """The state that a job comes to; still a running one where it takes too long. Each look is a call, so the first
    one waits as long as so many rows take at least."""
    wait, waited = max(FIRST_LOOK, rows / ROWS_A_SECOND), 0.0
    while True:
        beat()
        pause(wait)
        waited += wait
        answer = session.call("GET", f"{JOBS}/{job}")
        state = str(answer.payload.get("state")) if isinstance(answer.payload, dict) else ""
        if state not in RUNNING or waited >= LONGEST:
            return state
        wait = min(wait * 1.5, LAST_LOOK)


def _results(session: SalesforceSession, job: str, drafts: Sequence[Draft]) -> dict[str, Outcome]:
    wanted = {draft.key for draft in drafts}
    found: dict[str, Outcome] = {}
    converted: set[str] = set()
    for row in _rows(session, job, "successfulResults"):
        key, remote_id = row.get(KEY, ""), row.get("sf__Id", "")
        if key in wanted and remote_id:
            found[key] = (Created if row.get("sf__Created") == "true" else Updated)(key, remote_id)
    for row in _rows(session, job, "failedResults"):
        key = row.get(KEY, "")
        code, _, message = row.get("sf__Error", "").partition(":")
        if key not in wanted:
            continue
        if code == CONVERTED_CODE:
            converted.add(key)
        elif code in BUSY:
            found[key] = RetryLater(key, code, BUSY_PAUSE)
        else:
            words, _, field = message.rpartition(":")
            found[key] = Rejected(key, code or "refused", words or message, field.removesuffix("--").strip())
    for row in _rows(session, job, "unprocessedrecords"):
        if row.get(KEY, "") in wanted:
            found[row[KEY]] = RetryLater(row[KEY], "unprocessed")
    left = wanted - found.keys() - converted
    return found | {key: Unknown(key, "no result") for key in left}


def _rows(session: SalesforceSession, job: str, which: str) -> Iterable[Mapping[str, str]]:
    return csv.DictReader(io.StringIO(session.read_text(f"{JOBS}/{job}/{which}")))
