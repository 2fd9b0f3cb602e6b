"""HubSpot's calls, meetings, e-mails, form submissions and list members as activities.

Calls, meetings and e-mails are objects like contacts: searched by their last change, with the people of a thousand in
one call. Submissions have no search and come newest first; a list tells its members in the order in which they joined.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.pure.activity_rules import is_named

from ..base import RemoteActivity, RemoteContact, Window
from ..errors import Reading
from .reader import LINKED_BATCH, LIST_PAGE, SEARCH_PAGE, HubSpotReader, Rows
from .records import epoch, moment
from .session import VERSION, HubSpotSession

OBJECTS: Mapping[str, str] = {"call": "calls", "meeting": "meetings", "email": "emails"}
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "call": ("hs_timestamp", "hs_call_title", "hs_call_status", "hs_call_disposition", "hs_call_duration",
             "hs_call_direction"),
    "meeting": ("hs_timestamp", "hs_meeting_title", "hs_meeting_outcome", "hs_meeting_end_time"),
    "email": ("hs_timestamp", "hs_email_subject", "hs_email_direction", "hs_email_status"),
}  # fmt: skip
CHANGED = "hs_lastmodifieddate"
# The outcome "Connected" of calls; the id is the same in every account.
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
CALLS: Mapping[str, str] = {
    "COMPLETED": "done", "NO_ANSWER": "missed", "BUSY": "missed", "FAILED": "missed", "CANCELED": "missed",
    "MISSED": "missed", "QUEUED": "planned", "RINGING": "planned", "CONNECTING": "planned", "IN_PROGRESS": "planned",
}  # fmt: skip
MEETINGS: Mapping[str, str] = {"COMPLETED": "done", "CANCELED": "missed", "NO_SHOW": "missed", "RESCHEDULED": "missed"}
# The dated API has no successor of this one yet.
SUBMISSIONS = "/form-integrations/v1/submissions/forms"
SUBMISSION_PAGE, MEMBER_PAGE = 50, 250


def activities(
    link: HubSpotSession, reader: HubSpotReader, kinds: Sequence[str], window: Window, names: Sequence[str]
) -> Iterator[RemoteActivity]:
    """Kind by kind."""
    for kind in kinds:
        if kind in OBJECTS:
            yield from _engagements(link, reader, kind, window)
    if "form" in kinds:
        yield from _submissions(link, reader, window)
    if "list" in kinds:
        yield from _joined(link, reader, window, names)


def _engagements(link: HubSpotSession, reader: HubSpotReader, kind: str, window: Window) -> Iterator[RemoteActivity]:
    held: Rows = []
    for rows in _changed(link, kind, window):
        held += rows
        if len(held) + SEARCH_PAGE > LINKED_BATCH:
            yield from _with_people(reader, kind, held)
            held = []
    yield from _with_people(reader, kind, held)
    if window.since is not None:  # nothing that was gone before we first read could be ours
        yield from _archived(reader, kind, window)


def _changed(link: HubSpotSession, kind: str, window: Window) -> Iterator[Rows]:
    path = f"/crm/objects/{VERSION}/{OBJECTS[kind]}/search"
    filters = [{"propertyName": CHANGED, "operator": "LT", "value": epoch(window.until)}]
    if window.since is not None:
        filters.append({"propertyName": CHANGED, "operator": "GTE", "value": epoch(window.since)})
    last = ""
    while True:
        beyond = [{"propertyName": "hs_object_id", "operator": "GT", "value": last}] if last else []
        body = {
            "filterGroups": [{"filters": [*filters, *beyond]}], "sorts": ["hs_object_id"], "limit": SEARCH_PAGE,
            "properties": list(PROPERTIES[kind]), "after": "0",
        }  # fmt: skip
        answer = link.search(path, body)
        with Reading(path):
            rows: Rows = list(answer.payload["results"])
            further = (answer.payload.get("paging") or {}).get("next")
            newest = max((str(row["id"]) for row in rows), key=int, default="")
            if further and (not newest or (last and int(newest) <= int(last))):
                raise ValueError("the same place twice")
        yield rows
        if not further:
            return
        last = newest


def _with_people(reader: HubSpotReader, kind: str, rows: Rows) -> Iterator[RemoteActivity]:
    if not rows:
        return
    with Reading(OBJECTS[kind]):
        people = reader.linked(OBJECTS[kind], list(dict.fromkeys(str(row["id"]) for row in rows)), "contacts")
        found = [_engagement(kind, row, people.get(str(row["id"]), ())) for row in rows]
    yield from found


def _archived(reader: HubSpotReader, kind: str, window: Window) -> Iterator[RemoteActivity]:
    path = f"/crm/objects/{VERSION}/{OBJECTS[kind]}"
    params = {"archived": "true", "limit": LIST_PAGE, "properties": ",".join(PROPERTIES[kind])}
    for rows, _ in reader.listing(path, params, None):
        with Reading(path):
            gone = [row for row in rows if row.get("archivedAt") and _is_in(moment(row["archivedAt"]), window)]
            found = [_engagement(kind, row, (), is_gone=True) for row in gone]
        yield from found


def _engagement(
    kind: str, row: Mapping[str, Any], people: Sequence[tuple[str, str]], *, is_gone: bool = False
) -> RemoteActivity:
    held: Mapping[str, Any] = row["properties"]
    at = moment(held.get("hs_timestamp") or row["createdAt"])
    told: dict[str, Any] = {}
    if kind == "call":
        told = {"name": held.get("hs_call_title") or "", "state": CALLS.get(str(held.get("hs_call_status")), "")}
        told |= {
            "is_answered": _is_answered(held),
            "way": "in" if held.get("hs_call_direction") == "INBOUND" else "out",
        }
    elif kind == "meeting":
        at = moment(held["hs_meeting_end_time"]) if held.get("hs_meeting_end_time") else at
        told = {"name": held.get("hs_meeting_title") or ""}
        told |= {"state": MEETINGS.get(str(held.get("hs_meeting_outcome")), "")}
    else:
        is_in = held.get("hs_email_direction") in ("INCOMING_EMAIL", "FORWARDED_EMAIL")
        told = {"name": held.get("hs_email_subject") or "", "way": "in" if is_in else "out"}
        told |= {"state": "missed" if held.get("hs_email_status") in ("BOUNCED", "FAILED") else "done"}
    contacts = tuple(RemoteContact(each, None) for each, _ in people)
    return RemoteActivity(kind, str(row["id"]), at, contacts, is_gone=is_gone or bool(row.get("archived")), **told)


def _is_answered(held: Mapping[str, Any]) -> bool | None:
    if held.get("hs_call_disposition"):
        return bool(held["hs_call_disposition"] == CONNECTED)
    if held.get("hs_call_duration"):
        return float(held["hs_call_duration"]) > 0
    return None


def _submissions(link: HubSpotSession, reader: HubSpotReader, window: Window) -> Iterator[RemoteActivity]:
    for form in list(reader.listed(f"/marketing/forms/{VERSION}", {})):
        with Reading("forms"):
            path, name = f"{SUBMISSIONS}/{form['id']}", str(form.get("name") or "")
        for rows, _ in reader.listing(path, {"limit": SUBMISSION_PAGE}, None, has_ids=False):
            with Reading(path):
                told = [_submission(row, name) for row in rows]
            yield from (each for each in told if _is_in(each.happened_at, window))
            if window.since is not None and any(each.happened_at < window.since for each in told):
                break  # the newest come first


def _submission(row: Mapping[str, Any], name: str) -> RemoteActivity:
    mails = [str(each["value"]) for each in row["values"] if each.get("name") == "email" and each.get("value")]
    return RemoteActivity(
        "form",
        str(row["conversionId"]),
        moment(row["submittedAt"]),
        emails=tuple(mails),
        name=name,
        state="done",
        way="in",
        page_url=str(row.get("pageUrl") or ""),
    )


def _joined(
    link: HubSpotSession, reader: HubSpotReader, window: Window, names: Sequence[str]
) -> Iterator[RemoteActivity]:
    """A list that is named is read whole each time: no call tells who joined since."""
    for number, name in _lists(link, names):
        path = f"/crm/lists/{VERSION}/{number}/memberships/join-order"
        for rows, _ in reader.listing(path, {"limit": MEMBER_PAGE}, None, has_ids=False):
            with Reading(path):
                found = [
                    RemoteActivity(
                        "list",
                        f"{number}:{row['recordId']}",
                        moment(row["membershipTimestamp"]),
                        (RemoteContact(str(row["recordId"]), None),),
                        name=name,
                        state="done",
                    )
                    for row in rows
                ]
            yield from (each for each in found if _is_in(each.happened_at, window))


def _lists(link: HubSpotSession, names: Sequence[str]) -> list[tuple[str, str]]:
    path, offset, found = f"/crm/lists/{VERSION}/search", 0, list[tuple[str, str]]()
    last = ""
    while True:
        answer = link.call("POST", path, body={"query": "", "objectTypeId": "0-1", "count": 100, "offset": offset})
        with Reading(path):
            rows = list(answer.payload["lists"])
            if rows and str(rows[-1]["listId"]) == last:
                raise ValueError("the same place twice")
            last = str(rows[-1]["listId"]) if rows else ""
            found += [(str(row["listId"]), str(row["name"])) for row in rows if is_named(str(row["name"]), names)]
            if not answer.payload.get("hasMore") or not rows:
                return found
            offset += len(rows)


def _is_in(at: datetime, window: Window) -> bool:
    return (window.since is None or at >= window.since) and at.astimezone(UTC) < window.until
