"""Writing to Pipedrive: people one by one, each linked to the organization of its company.

Who has no link yet is looked for by email, then created. An answer lost on the way is `Unknown` until `find` has looked
for our id; after it the rest of the batch is put off.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..base import (
    Candidate,
    Capabilities,
    Created,
    CrmError,
    Draft,
    Kind,
    Misuse,
    Outage,
    Outcome,
    Rejected,
    RemoteRecord,
    RetryLater,
    Unchanged,
    Unknown,
    Updated,
)
from . import records as read
from .organizations import QUIET, OrganizationUnclear, spelled
from .reading import IDS, PATHS, PipedriveReader

MOST_SHOWN = 5


class PipedriveWriter(PipedriveReader):
    """The half of the connector that writes."""

    capabilities: Capabilities

    def upsert(self, kind: Kind, drafts: Sequence[Draft]) -> Iterator[Outcome]:
        """People one by one; what they hold now is read 100 at a time. After an unclear answer the rest is put off."""
        if kind not in self.capabilities.pushes:
            raise Misuse(f"Pipedrive takes no {kind}s from us.", code="unsupported")
        known: dict[str, RemoteRecord] = {}
        unwell = ""
        for index, draft in enumerate(drafts):
            if index % IDS == 0 and not unwell:
                known = self._begin(drafts[index : index + IDS])
            if unwell:
                yield RetryLater(draft.key, unwell)
                continue
            later: CrmError | None = None
            outcome = self._write(draft, known)
            if isinstance(outcome, (Unknown, RetryLater)):
                unwell = outcome.reason
            if isinstance(outcome, (Created, Updated)):
                self._met.pop(outcome.remote_id, None)
            if isinstance(outcome, Created):
                self._made[draft.key] = outcome.remote_id
                email = str(draft.fields.get("email") or "")
                terms = [read.key_term(draft.key), *([read.email_term(email)] if email else [])]
                self._people.add(int(outcome.remote_id), terms)
                later = self._make_lead(draft, outcome.remote_id)
            yield outcome
            if later is not None:
                raise later

    def _begin(self, part: Sequence[Draft]) -> dict[str, RemoteRecord]:
        """What a part of a batch meets there: the records it names, and whoever else may be meant."""
        known = self._known([remote for each in part if (remote := self._remote_id(each))])
        self._key()
        new = [each for each in part if (self._remote_id(each) or "") not in known]
        self._people.ready(len(new))
        self._met = {}
        if self._people.is_whole and (ids := [str(found) for each in new for found in self._people.ids(_term(each))]):
            self._met = self._known(ids)
        companies = [str(each.fields.get("company") or "").strip() for each in new if not each.fields.get("org_id")]
        self._organizations.ready(each for each in companies if each)
        return known

    def _known(self, ids: Sequence[str]) -> dict[str, RemoteRecord]:
        return self.fetch("person", list(dict.fromkeys(ids))) if ids else {}

    def _remote_id(self, draft: Draft) -> str | None:
        return draft.remote_id or self._made.get(draft.key)

    def _write(self, draft: Draft, known: Mapping[str, RemoteRecord]) -> Outcome:
        record = known.get(self._remote_id(draft) or "")
        if record is None:
            met = self._meet(draft)
            if isinstance(met, Rejected):
                return met
            record = met
            if record is None and draft.if_new is not None:
                return draft.if_new
        body = read.person_body(draft.fields, record)
        body["custom_fields"] = read.custom_body(draft, self._key(), self._types, self._places)
        try:
            left = self._link(draft, record, body)
        except OrganizationUnclear as unclear:
            return RetryLater(draft.key, unclear.code, QUIET)
        if record is not None:
            differing = read.differing(body, record)
            if not differing:
                return Unchanged(draft.key, record.remote_id)
            outcome = self._send("PATCH", f"{PATHS['person']}/{record.remote_id}", differing, draft, Updated)
        else:
            body.setdefault("name", str(draft.fields.get("email") or draft.key))
            outcome = self._send("POST", PATHS["person"], body, draft, Created)
        return replace(outcome, left=left) if left and isinstance(outcome, (Created, Updated)) else outcome

    def _meet(self, draft: Draft) -> RemoteRecord | Rejected | None:
        """Whom the draft means among those who are there; None is nobody."""
        remote_id = self._remote_id(draft)
        found, others = self._first_contact(draft)
        if len(found) > 1 and not draft.is_new:
            mail = draft.fields.get("email")
            several = tuple(Candidate(each.remote_id, _words(each)) for each in found[:MOST_SHOWN])
            message = f"{len(found)} people in Pipedrive have the email address {mail}."
            return Rejected(draft.key, "several_found", message, "email", several)
        record = found[0] if found and not (draft.is_new and not found[0].key) else None
        if record is None and remote_id and others:
            # Made anew it would undo what somebody there merged.
            message = f"Person {remote_id} is gone; person {others[0]} has the email and is another lead's."
            return Rejected(draft.key, "merged_away", message, "email")
        return record

    def _link(self, draft: Draft, record: RemoteRecord | None, body: dict[str, Any]) -> frozenset[str]:
        """Put the organization of the lead's company into the body. Whoever is met for the first time keeps theirs.
        Returns what Pipedrive has no place for."""
        company = str(draft.fields.get("company") or "").strip()
        theirs = record.account_id if record else None
        if theirs and not draft.remote_id:
            body.pop("org_id", None)
            return frozenset()
        if not company or "org_id" in body:
            return frozenset()
        if theirs and record and spelled(str(record.fields.get("company") or "")) == spelled(company):
            return frozenset()
        found = self._organizations.find_or_make(company, read.address_of(draft.fields))
        if found is None:
            return frozenset({"company"})
        body["org_id"] = found
        return frozenset()

    def _first_contact(self, draft: Draft) -> tuple[list[RemoteRecord], list[str]]:
        """The person of our key, the oldest; else people of the same e-mail who are nobody's of ours. Beside them
        the ids of people found who are other leads'."""
        email = str(draft.fields.get("email") or "")
        ids = [str(each) for each in self._people.ids(_term(draft))][:IDS]
        people = {each: self._met[each] for each in ids if each in self._met}
        people |= self._known([each for each in ids if each not in people])
        if email:  # listed a while ago, they may have another address by now
            people = {each: person for each, person in people.items() if _has(person, email)}
        of_ours = [each for each in people.values() if each.key == draft.key]
        of_nobody = [each for each in people.values() if not each.key] if email else []
        candidates = sorted(of_ours, key=_number)[:1] or sorted(of_nobody, key=_number)
        others = [each for each, person in people.items() if person.key not in (None, draft.key)]
        return candidates, others

    def _send(
        self, verb: str, path: str, body: Mapping[str, Any], draft: Draft, done: type[Created] | type[Updated]
    ) -> Outcome:
        try:
            answer = self._session.call(verb, path, body=body)
        except Outage as outage:
            if not outage.unclear:
                raise
            return Unknown(draft.key, outage.code)
        except Misuse as refused:
            if refused.code in ("host_refused", "redirect_refused"):
                raise
            return Rejected(draft.key, refused.code, str(refused)[:300], refused.field)
        try:
            return done(draft.key, str(int(answer.payload["data"]["id"])))
        except (KeyError, TypeError, ValueError):
            return Unknown(draft.key, "unreadable")

    def _make_lead(self, draft: Draft, person_id: str) -> CrmError | None:
        """A lead for a new person where the settings ask for it; the person counts, whatever becomes of the lead."""
        if not self._account.settings.get("make_leads"):
            return None
        name = str(read.person_body(draft.fields, None).get("name") or draft.fields.get("email") or draft.key)
        try:
            self._session.call("POST", "/api/v1/leads", body={"title": name, "person_id": int(person_id)})
        except CrmError as error:
            return error if error.stops_connection else None
        return None


def _term(draft: Draft) -> str:
    email = str(draft.fields.get("email") or "")
    return read.email_term(email) if email else read.key_term(draft.key)


def _has(person: RemoteRecord, email: str) -> bool:
    held = {read.email_term(str(each.get("value") or "")) for each in person.fields["emails"]}
    return read.email_term(email) in held


def _words(record: RemoteRecord) -> str:
    """By which a person knows a person."""
    told = (str(record.fields.get(name) or "") for name in ("name", "email", "phone"))
    return ", ".join(each for each in told if each)[:200]


def _number(record: RemoteRecord) -> int:
    return int(record.remote_id)
