"""Batches of contacts into HubSpot: keyed on our own property, settled row by row, never doubled.

Rows come back in no order and without their index: they are known by the trace id that we send, or by our key in them.
What became of them is told by `errors` in the body, whatever the status. Two things make a batch fail as a whole:

- *somebody is there already* (409): a contact has the e-mail but not our key. All e-mails of the batch are looked up at
  once, the contacts found get our key together with the fields, and the rest of the batch is sent again;
- *a bad value* (400): rows that carry the property or the value at fault, or lack what is required, are refused and the
  rest is sent again; where nobody can tell which they are, halves are sent. Where one row after the other is refused
  alone for the same reason, the rest of the batch is refused with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..base import Created, CrmError, Draft, Outage, Outcome, Rejected, RetryLater, Unchanged, Unknown, Updated
from ..errors import Reading
from .records import KEY, moment, text
from .session import VERSION, HubSpotSession, Refusal, told

BATCH = 100
PATH = f"/crm/objects/{VERSION}/contacts/batch"
UNMAPPABLE = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE", "INVALID_PROPERTY"})
"""Errors of a property in itself: every row that carries it fails alike."""
ALIKE = 3
"""So many rows refused alone in a row for the same reason speak for the rest of their batch."""
SMALL = 3


def upsert(link: HubSpotSession, drafts: Sequence[Draft]) -> Iterator[Outcome]:
    """One outcome per draft, in order. After an unclear answer the rest is put off: HubSpot is unwell."""
    unwell = ""
    for chunk in _chunks(drafts):
        if unwell:
            yield from (RetryLater(draft.key, unwell) for draft in chunk)
            continue
        batch, failed = _Batch(link), None
        try:
            batch.start(chunk)
        except CrmError as error:
            if not batch.settled:
                raise
            failed = error
        for draft in chunk:
            yield batch.settled.get(draft.key) or RetryLater(draft.key, failed.code if failed else "not sent")
        if failed is not None:
            raise failed
        unwell = batch.unwell


def _chunks(drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """At most 100 each, no key twice in one: HubSpot refuses such a batch."""
    chunk: dict[str, Draft] = {}
    for draft in drafts:
        if len(chunk) == BATCH or draft.key in chunk:
            yield list(chunk.values())
            chunk = {}
        chunk[draft.key] = draft
    if chunk:
        yield list(chunk.values())


class _Batch:
    """One batch and what becomes of it: `settled` by key, `unwell` when an answer was unclear."""

    def __init__(self, link: HubSpotSession) -> None:
        self._link = link
        self.settled: dict[str, Outcome] = {}
        self.unwell = ""
        self._alone: list[Refusal] = []
        self._ours: set[str] = set()

    def start(self, drafts: Sequence[Draft]) -> None:
        """Whom HubSpot had first by their id, everybody else by our key; of those who lack what is required, only those
        who are there."""
        first = [(draft.remote_id, draft) for draft in drafts if draft.remote_id and not draft.is_keyed]
        if first:
            self._update(first)
        if lacking := [draft for draft in drafts if draft.if_new and not draft.remote_id]:
            self._adopt(lacking)
            alone = [draft for draft in self._open(lacking) if draft.key not in self._ours]
            self.settled |= {draft.key: draft.if_new for draft in alone if draft.if_new}
        rest = self._open([draft for draft in drafts if not draft.remote_id or draft.is_keyed])
        if rest:
            self.send(rest)

    def send(self, drafts: Sequence[Draft]) -> None:
        """Upsert; every draft is settled afterwards. Raises what concerns the connection."""
        if self._is_hopeless():
            alike = self._alone[-1]
            words = f"{alike} ({ALIKE} others of its batch were refused alone for the same reason.)"
            self._reject(drafts, alike.code, words, alike.field)
            return
        rows = [{"id": draft.key, "idProperty": KEY, **_row(draft)} for draft in drafts]
        refusal = self._post(f"{PATH}/upsert", rows, drafts)
        if refusal is None:
            return
        if refusal.is_conflict:
            self._adopt(drafts)
        else:
            self._reject(_guilty(drafts, refusal), refusal.code, str(refusal), refusal.field)
        rest = self._open(drafts)
        if len(rest) < len(drafts):
            if rest:
                self.send(rest)
        elif len(rest) == 1:
            self._alone.append(refusal)
            self._reject(rest, refusal.code, str(refusal), refusal.field)
        else:
            self._halve(rest)

    def _is_hopeless(self) -> bool:
        last = {(each.code, each.field) for each in self._alone[-ALIKE:]}
        return len(self._alone) >= ALIKE and len(last) == 1

    def _post(self, path: str, rows: Sequence[Mapping[str, Any]], drafts: Sequence[Draft]) -> Refusal | None:
        """Send rows and settle what the answer settles; a refusal of the whole is handed to the caller."""
        if not drafts:
            return None
        if self.unwell:
            self.settled |= {draft.key: RetryLater(draft.key, self.unwell) for draft in drafts}
            return None
        try:
            answer = self._link.call("POST", path, body={"inputs": list(rows)})
        except Refusal as refusal:
            if refusal.status not in (400, 409):
                raise
            return refusal
        except Outage as outage:
            if not outage.unclear:
                raise
            self._unclear(drafts, outage.code)
        else:
            self._read(drafts, answer.payload, is_upsert=path.endswith("upsert"))
        return None

    def _read(self, drafts: Sequence[Draft], payload: Any, *, is_upsert: bool) -> None:
        results = payload.get("results") if isinstance(payload, dict) else None
        errors = (payload.get("errors") or []) if isinstance(payload, dict) else None
        if not isinstance(results, list) or not isinstance(errors, list):
            self._unclear(drafts, "unreadable")
            return
        waiting = {draft.key: draft for draft in drafts}
        for row in results:
            if (outcome := _outcome(row, payload, waiting)) is not None:
                self.settled[outcome.key] = outcome
                self._alone.clear()
        conflicts: list[Draft] = []
        strays: list[Mapping[str, Any]] = []
        for error in (each for each in errors if isinstance(each, dict)):
            named = [waiting[key] for key in _named(error) if key in waiting]
            code, message, field = told(error)
            if not named:
                strays.append(error)
            elif is_upsert and _is_conflict(error):
                conflicts += named
            else:
                self._reject(named, code, message, field)
        self._adopt(conflicts)
        self._reject(self._open(conflicts), "CONFLICT", "HubSpot holds another record with one of these values.", "")
        if rest := self._open(drafts):
            self._settle_rest(rest, drafts, strays)

    def _settle_rest(self, rest: list[Draft], drafts: Sequence[Draft], strays: Sequence[Mapping[str, Any]]) -> None:
        """Drafts that the answer did not name: with errors that name nobody, the row at fault is looked for."""
        if not strays:
            self._unclear(rest, "unreadable")
        elif len(rest) == 1:
            self._reject(rest, *told(strays[0]))
        elif len(rest) < len(drafts):
            self.send(rest)
        else:
            self._halve(rest)

    def _halve(self, drafts: Sequence[Draft]) -> None:
        if len(drafts) <= SMALL:
            for draft in drafts:
                self.send([draft])
            return
        half = len(drafts) // 2
        self.send(drafts[:half])
        self.send(drafts[half:])

    def _adopt(self, drafts: Sequence[Draft]) -> None:
        """Give our key to the contacts that have these e-mails already; those with another key of ours are refused."""
        by_mail: dict[str, Draft] = {}
        for draft in drafts:
            if mail := text(draft.fields.get("email")).strip().lower():
                by_mail.setdefault(mail, draft)
        if not by_mail:
            return
        body = {
            "idProperty": "email",
            "inputs": [{"id": mail} for mail in by_mail],
            "properties": ["email", "hs_additional_emails", KEY],
            "propertiesWithHistory": [],
        }
        answer = self._link.call("POST", f"{PATH}/read", body=body)
        with Reading(f"{PATH}/read"):
            rows = [(str(row["id"]), row["properties"]) for row in answer.payload["results"]]
        found: dict[str, tuple[str, Draft]] = {}
        for remote_id, held in rows:
            mails = [held.get("email") or "", *str(held.get("hs_additional_emails") or "").split(";")]
            match = next((by_mail[each.strip().lower()] for each in mails if each.strip().lower() in by_mail), None)
            if match is None:
                continue
            if held.get(KEY) == match.key:
                self._ours.add(match.key)
                continue
            if held.get(KEY):
                words = f"Contact {remote_id} has this email and belongs to another lead."
                self._reject([match], "duplicate_email", words, "email")
            else:
                found.setdefault(remote_id, (remote_id, match))
        self._update(list(found.values()))

    def _update(self, pairs: Sequence[tuple[str, Draft]]) -> None:
        """Write fields and our key to contacts known by their id."""
        rows = [{"id": remote_id, **_row(draft)} for remote_id, draft in pairs]
        refusal = self._post(f"{PATH}/update", rows, [draft for _, draft in pairs])
        if refusal is not None and len(pairs) == 1:
            self._reject([pairs[0][1]], refusal.code, str(refusal), refusal.field)
        elif refusal is not None:
            half = len(pairs) // 2
            self._update(pairs[:half])
            self._update(pairs[half:])

    def _open(self, drafts: Sequence[Draft]) -> list[Draft]:
        return [draft for draft in drafts if draft.key not in self.settled]

    def _reject(self, drafts: Sequence[Draft], code: str, message: str, field: str) -> None:
        self.settled |= {draft.key: Rejected(draft.key, code or "refused", message, field) for draft in drafts}

    def _unclear(self, drafts: Sequence[Draft], reason: str) -> None:
        self.unwell = reason
        self.settled |= {draft.key: Unknown(draft.key, reason) for draft in drafts}


def _guilty(drafts: Sequence[Draft], refusal: Refusal) -> list[Draft]:
    """The rows that a refusal of all speaks of, as far as its property and its words tell."""
    field, words = refusal.field, str(refusal)
    if not field:
        return []
    values = {draft.key: text(draft.fields.get(field)) for draft in drafts}
    if refusal.code in UNMAPPABLE:
        return [draft for draft in drafts if field in draft.fields]
    if "required" in f"{refusal.code} {words}".lower():
        lacking = [draft for draft in drafts if not values[draft.key]]
        return [draft for draft in lacking if draft.remote_id is None] or lacking
    named = [draft for draft in drafts if values[draft.key] and values[draft.key] in words]
    return named if len(named) < len(drafts) or len({values[draft.key] for draft in named}) == 1 else []


def _row(draft: Draft) -> dict[str, Any]:
    properties = {name: text(value) for name, value in draft.fields.items()} | {KEY: draft.key}
    return {"properties": properties, "objectWriteTraceId": draft.key}


def _outcome(row: Any, payload: Mapping[str, Any], waiting: Mapping[str, Draft]) -> Outcome | None:
    """What a row of the results says of a draft; None if it speaks of none that waits."""
    if not isinstance(row, dict) or not row.get("id"):
        return None
    held = row.get("properties")
    key = row.get("objectWriteTraceId")
    if key not in waiting:
        key = held.get(KEY) if isinstance(held, dict) else None
    if not isinstance(key, str) or key not in waiting:
        return None
    if row.get("new") is True:
        return Created(key, str(row["id"]))
    try:
        # Touched before this batch began: the batch changed nothing in it.
        is_older = moment(row["updatedAt"]) < moment(payload["startedAt"])
    except (LookupError, ValueError):
        is_older = False
    return (Unchanged if is_older else Updated)(key, str(row["id"]))


def _named(error: Mapping[str, Any]) -> list[str]:
    """The keys that an error speaks of."""
    context = error.get("context")
    if not isinstance(context, dict):
        return []
    for name in ("objectWriteTraceId", "ids", "id"):
        keys = context.get(name)
        if keys:
            return [str(each) for each in keys] if isinstance(keys, list) else [str(keys)]
    return []


def _is_conflict(error: Mapping[str, Any]) -> bool:
    return str(error.get("category")) in ("CONFLICT", "OBJECT_ALREADY_EXISTS")
