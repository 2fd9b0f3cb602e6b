"""One chunk of drafts to Salesforce: leads by key, and contacts by id where a lead has been converted."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ..base import Created, CrmError, Draft, Misuse, Outage, Outcome, Rejected, RetryLater, Unknown, Updated
from .adopt import adopt, is_duplicate, look_alikes
from .records import CONTACT_PREFIX, contact_row, lead_row, merged
from .session import DATA, PASSING, SalesforceSession
from .soql import KEY, Source, list_selects, record_id, text

CONVERTED_CODE = "CANNOT_UPDATE_CONVERTED_LEAD"
BUSY = PASSING | {"UNKNOWN_EXCEPTION"}
BUSY_PAUSE = timedelta(seconds=30)
UPSERT_PATH = f"{DATA}/composite/sobjects/Lead/{KEY}"
UPDATE_PATH = f"{DATA}/composite/sobjects"
TARGET = Source("Lead", ("Id", KEY, "ConvertedContactId"), "IsConverted = true")


@dataclass(frozen=True, slots=True)
class _Converted:
    """The lead lives on as a contact."""

    key: str


def push(
    session: SalesforceSession, drafts: Sequence[Draft], names: Mapping[str, str]
) -> tuple[list[Outcome], CrmError | None]:
    """Outcomes of up to 200 drafts in their order, and an error to heed once they are told: an `Outage` puts off what
    follows, others are to be raised. Raises by itself where nothing was written.

    A key that comes twice is sent once, its later fields over the earlier. `names` are a contact's of a lead's fields.
    """
    wanted, settled = merged(drafts), dict[str, Outcome]()
    strangers = [draft for draft in wanted.values() if draft.remote_id is None and not draft.is_new]
    for key, remote_id in adopt(session, strangers, settled).items():
        wanted[key] = replace(wanted[key], remote_id=remote_id, is_keyed=False)
    refused_before = set(settled)
    contacts = {
        draft.key: draft.remote_id
        for draft in wanted.values()
        if draft.remote_id is not None and draft.remote_id.startswith(CONTACT_PREFIX)
    }
    leads = [draft for draft in wanted.values() if draft.key not in contacts.keys() | settled.keys()]
    first = [draft for draft in leads if not draft.is_keyed and draft.remote_id]
    failed = _push_first(session, first, contacts, settled) if first else None
    leads = [draft for draft in leads if draft.is_keyed or not draft.remote_id]
    if failed is None and leads:
        failed = _push_leads(session, leads, contacts, settled, is_first=not first)
    if failed is None and contacts:
        failed = _push_contacts(session, wanted, contacts, settled, names, is_first=settled.keys() <= refused_before)
    for key in wanted.keys() - settled.keys():
        # Only a call that never left, or was refused as a whole, comes here: an unclear one has settled its rows.
        after, code = (failed.after or timedelta(), failed.code) if failed else (timedelta(), "not_sent")
        settled[key] = RetryLater(key, code, after)
    refused = [wanted[key] for key, outcome in settled.items() if is_duplicate(outcome)]
    if refused and failed is None:
        # What was written must be told, whatever becomes of this further look.
        with suppress(CrmError):
            settled |= look_alikes(session, refused, settled)
    return [settled[draft.key] for draft in drafts], failed


def _push_first(
    session: SalesforceSession, drafts: Sequence[Draft], contacts: dict[str, str], settled: dict[str, Outcome]
) -> CrmError | None:
    """Update leads that Salesforce had first by their id, and give them our key; converted ones are added to
    `contacts`."""
    rows = [{**lead_row(draft.key, draft.fields, is_known=True), "id": draft.remote_id} for draft in drafts]
    try:
        answer = session.call("PATCH", UPDATE_PATH, body={"allOrNone": False, "records": rows})
    except Outage as outage:
        if not outage.unclear:
            raise
        settled |= {draft.key: Unknown(draft.key, outage.code) for draft in drafts}
        return outage
    outcomes = _outcomes([draft.key for draft in drafts], answer.payload)
    settled |= {each.key: each for each in outcomes if not isinstance(each, _Converted)}
    converted = {each.key for each in outcomes if isinstance(each, _Converted)}
    try:
        contacts |= _contacts_of(session, [each for each in drafts if each.key in converted], settled, by_id=True)
    except CrmError as failed:  # what was written must be told before
        return failed
    return None


def _push_leads(
    session: SalesforceSession,
    leads: Sequence[Draft],
    contacts: dict[str, str],
    settled: dict[str, Outcome],
    *,
    is_first: bool,
) -> CrmError | None:
    """Upsert leads; converted ones are added to `contacts`."""
    try:
        keys = _upsert_leads(session, leads, settled)
    except Outage as outage:
        if not outage.unclear and is_first:
            raise
        if outage.unclear:
            settled |= {draft.key: Unknown(draft.key, outage.code) for draft in leads}
        return outage
    except CrmError as failed:
        if is_first:
            raise
        return failed
    converted = [draft for draft in leads if draft.key in keys]
    try:
        contacts |= _contacts_of(session, converted, settled)
    except CrmError as failed:  # what was written must be told before
        return failed
    return None


def _push_contacts(
    session: SalesforceSession,
    drafts: Mapping[str, Draft],
    contacts: Mapping[str, str],
    settled: dict[str, Outcome],
    names: Mapping[str, str],
    *,
    is_first: bool,
) -> CrmError | None:
    try:
        _update_contacts(session, drafts, contacts, settled, names)
    except Outage as outage:
        if outage.unclear:
            settled |= {key: Unknown(key, outage.code) for key in contacts if key not in settled}
        elif is_first:
            raise
        return outage
    except Misuse as misuse:
        if is_first:
            raise
        settled |= {key: Rejected(key, misuse.code, str(misuse)) for key in contacts if key not in settled}
    except CrmError as failed:
        if is_first:
            raise
        return failed
    return None


def _upsert_leads(session: SalesforceSession, drafts: Sequence[Draft], settled: dict[str, Outcome]) -> list[str]:
    """Settle what can be; returns the keys of converted leads."""
    rows = [lead_row(draft.key, draft.fields, is_known=draft.remote_id is not None) for draft in drafts]
    answer = session.call("PATCH", UPSERT_PATH, body={"allOrNone": False, "records": rows})
    outcomes = _outcomes([draft.key for draft in drafts], answer.payload)
    settled |= {each.key: each for each in outcomes if not isinstance(each, _Converted)}
    return [each.key for each in outcomes if isinstance(each, _Converted)]


def _contacts_of(
    session: SalesforceSession, drafts: Sequence[Draft], settled: dict[str, Outcome], *, by_id: bool = False
) -> dict[str, str]:
    """Contact by key; a lead that was converted into a contact we cannot see is rejected."""
    if not drafts:
        return {}
    name = "Id" if by_id else KEY
    marks = {str(draft.remote_id)[:15] if by_id else draft.key: draft.key for draft in drafts}
    literals = [record_id(str(draft.remote_id)) if by_id else text(draft.key) for draft in drafts]
    found: dict[str, str] = {}
    for rows in session.all_rows(list_selects(TARGET, name, literals)):
        for row in rows:
            mark = str(row.get(name))[: 15 if by_id else None]
            if row.get("ConvertedContactId") and mark in marks:
                found[marks[mark]] = str(row["ConvertedContactId"])
    for draft in drafts:
        if draft.key not in found:
            message = "The lead was converted in Salesforce, and we cannot see its contact."
            settled[draft.key] = Rejected(draft.key, CONVERTED_CODE, message)
    return found


def _update_contacts(
    session: SalesforceSession,
    drafts: Mapping[str, Draft],
    contacts: Mapping[str, str],
    settled: dict[str, Outcome],
    names: Mapping[str, str],
) -> None:
    keys_by_contact: dict[str, list[str]] = {}
    for key, contact_id in contacts.items():
        keys_by_contact.setdefault(contact_id, []).append(key)
    rows = []
    for contact_id, (key, *others) in keys_by_contact.items():
        rows.append(contact_row(key, contact_id, drafts[key].fields, names))
        for other in others:  # two leads of ours became one contact: it carries one key only
            message = f"Its contact in Salesforce belongs to {key} already."
            settled[other] = Rejected(other, "SHARED_CONTACT", message)
    sent = [key for key, *_ in keys_by_contact.values()]
    answer = session.call("PATCH", UPDATE_PATH, body={"allOrNone": False, "records": rows})
    for outcome in _outcomes(sent, answer.payload):
        key = outcome.key
        if isinstance(outcome, _Converted):
            outcome = Rejected(key, CONVERTED_CODE, "")
        elif isinstance(outcome, Updated):
            outcome = Updated(key, outcome.remote_id, frozenset(drafts[key].fields) - names.keys())
        settled[key] = outcome


def _outcomes(keys: Sequence[str], payload: Any) -> list[Outcome | _Converted]:
    """One outcome per row. Rows that cannot be read leave it open whether they were written."""
    if not isinstance(payload, list) or len(payload) != len(keys):
        return [Unknown(key, "unreadable") for key in keys]
    return [_outcome(key, row) for key, row in zip(keys, payload, strict=True)]


def _outcome(key: str, row: Any) -> Outcome | _Converted:
    if not isinstance(row, dict):
        return Unknown(key, "unreadable")
    remote_id, errors = row.get("id"), row.get("errors")
    if row.get("success") is True and isinstance(remote_id, str) and remote_id:
        return Created(key, remote_id) if row.get("created") is True else Updated(key, remote_id)
    if row.get("success") is not False or not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return Unknown(key, "unreadable")
    code, message = str(errors[0].get("statusCode") or "refused"), str(errors[0].get("message") or "")
    if code == CONVERTED_CODE:
        return _Converted(key)
    if code in BUSY:
        return RetryLater(key, code, BUSY_PAUSE)
    fields = errors[0].get("fields")
    return Rejected(key, code, message, str(fields[0]) if isinstance(fields, list) and fields else "")
