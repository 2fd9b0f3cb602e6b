"""Which leads the people are whom a CRM's other records name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from integrations.connectors.base import RemoteContact
from integrations.models import Connection, ExternalRecord, RecordKind
from leads.models import Lead
from leads.pure.spelling.identity import InvalidEmail, normalize_email
from leads.queries.identity import survivors


@dataclass(frozen=True, slots=True)
class People:
    """Living leads by the CRM's id of the person, and by e-mail address as it was asked for in lower case."""

    by_person: Mapping[str, int]
    by_email: Mapping[str, int]


def leads_of(*, connection: Connection, people: Sequence[RemoteContact], emails: Collection[str] = ()) -> People:
    """By the link, else by our own id that the CRM keeps; mergers followed. Four queries at most."""
    rows = ExternalRecord.objects.filter(
        connection=connection,
        kind__in=(RecordKind.PERSON, RecordKind.CONTACT),
        remote_id__in={each.person_id for each in people},
    )
    pairs = rows.values_list("remote_id", "lead_id")
    found = {remote_id: lead_id for remote_id, lead_id in pairs if lead_id is not None}
    keys = {each.person_key: each.person_id for each in people if each.person_key}
    known = Lead.objects.live().filter(public_id__in=[key for key in keys if len(key) == 36])
    for public_id, lead_id in known.values_list("public_id", "pk") if keys else ():
        found.setdefault(keys[str(public_id)], lead_id)
    mails = _mails(emails)
    held = dict(Lead.objects.filter(email__in=set(mails.values())).values_list("email", "pk")) if mails else {}
    ends = survivors([*found.values(), *held.values()])
    return People(
        {person: ends[lead_id] for person, lead_id in found.items()},
        {asked: ends[held[mail]] for asked, mail in mails.items() if mail in held},
    )


def _mails(emails: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in emails:
        try:
            found[each.strip().lower()] = normalize_email(each)
        except InvalidEmail:
            continue
    return found
