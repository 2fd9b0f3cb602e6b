"""Our side of a mapping: a lead as plain values by the names that rules use, and a CRM's values made ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from integrations.models import Connection, ExternalRecord, RecordKind
from integrations.pure.mapping import FieldRule, MappingError
from leads.actions.identity.revise_leads import ATTRIBUTE
from leads.models import Lead
from leads.pure.spelling.identity import InvalidCountry, InvalidEmail, normalize_country, normalize_email

LENGTHS = {
    "first_name": 120,
    "last_name": 120,
    "company": 200,
    "job_title": 160,
    "phone": 40,
    "region": 80,
    "postal_code": 20,
    "industry": 80,
}
# What a CRM may change here; everything else is ours to say (stage, score, first touch).
PULLABLE = frozenset([*LENGTHS, "email", "country", "company_size", "owner_id"])


@dataclass(frozen=True, slots=True)
class OwnerBook:
    """Owners of a connection both ways: our user by remote id, remote id by our user. `retired` are remote ids that may
    own nothing new in the CRM."""

    users: Mapping[str, int]
    remote: Mapping[int, str]
    retired: frozenset[str] = frozenset()


def owner_book(*, connection: Connection) -> OwnerBook:
    """Who is who among the owners. Of two remote owners that are one user of ours the first that is active is named to
    the CRM."""
    rows = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.OWNER, owner__isnull=False)
    told = list(rows.order_by("is_active_there", "-pk").values_list("remote_id", "owner_id", "is_active_there"))
    users = {remote_id: user_id for remote_id, user_id, _ in told if user_id is not None}
    retired = frozenset(remote_id for remote_id, _, is_active in told if not is_active)
    return OwnerBook(users, {user_id: remote_id for remote_id, user_id in users.items()}, retired)


def outgoing_values(
    *, lead: Lead, owners: OwnerBook, rules: Iterable[FieldRule] = (), opted_out: Collection[int] = ()
) -> dict[str, Any]:
    """`lead_values` as they go out: an owner of ours whom the CRM does not know or has deactivated is not named, so
    that theirs stays."""
    values = lead_values(lead=lead, owners=owners, rules=rules, opted_out=opted_out)
    if lead.owner_id is not None and (values["owner_id"] is None or values["owner_id"] in owners.retired):
        del values["owner_id"]
    return values


def lead_values(
    *, lead: Lead, owners: OwnerBook, rules: Iterable[FieldRule] = (), opted_out: Collection[int] = ()
) -> dict[str, Any]:
    """A lead by our names, its owner in the CRM's id; of its further columns those that the rules name.

    ``opted_out`` are those whom nobody may mail (see `opt_outs`). That somebody has not opted out here is no value: it
    takes nobody's wish back in the CRM.
    """
    values: dict[str, Any] = {name: getattr(lead, name) for name in LENGTHS}
    values |= {
        "email": lead.email,
        "country": lead.country,
        "company_size": lead.company_size,
        "owner_id": owners.remote.get(lead.owner_id or 0),
        "stage": lead.stage,
        "score": lead.score,
        "channel": lead.channel.name if lead.channel else None,
        "campaign": lead.campaign.name if lead.campaign else None,
        "name": lead.display_name,
        "public_id": str(lead.public_id),
        "external_id": lead.external_id,
        "captured_at": lead.captured_at,
        "url": f"{settings.PORTAL_URL}{lead.get_absolute_url()}",
    }
    if lead.is_unsubscribed or lead.pk in opted_out:
        values["is_unsubscribed"] = True
    further = {rule.local for rule in rules if rule.local.startswith(ATTRIBUTE)}
    return values | {name: lead.attributes.get(name.removeprefix(ATTRIBUTE)) for name in further}


def is_pullable(name: str) -> bool:
    """Whether a CRM may change this field of a lead."""
    return name in PULLABLE or name.startswith(ATTRIBUTE)


def to_local(*, name: str, value: Any, owners: OwnerBook) -> Any:
    """A CRM's value as our column takes it. Raises `MappingError` for what it cannot take."""
    if name == "owner_id":
        return _owner(value, owners)
    if name.startswith(ATTRIBUTE):
        return value if isinstance(value, (str, int, float, bool, list)) or value is None else str(value)
    value = "; ".join(str(each) for each in value) if isinstance(value, list) else value
    text = "" if value is None else str(value).replace("\0", "").strip()
    read = _READERS.get(name)
    return read(text) if read else text[: LENGTHS[name]]


def _owner(value: Any, owners: OwnerBook) -> int:
    user_id = owners.users.get(str(value or ""))
    if user_id is None:
        raise MappingError("owner", f"the CRM's owner {str(value or '')[:40]!a} is none of our users")
    return user_id


def _email(text: str) -> str:
    try:
        return normalize_email(text)
    except InvalidEmail as error:
        raise MappingError("email", str(error)) from error


def _country(text: str) -> str:
    try:
        return normalize_country(text) if text else ""
    except InvalidCountry as error:
        raise MappingError("country", str(error)) from error


def _size(text: str) -> int | None:
    if not text:
        return None
    try:
        size = int(float(text))
    except (ValueError, OverflowError):
        raise MappingError("company_size", f"{text[:40]!a} is not a number") from None
    if not 0 <= size < 2**31:
        raise MappingError("company_size", f"{text[:40]!a} is not a number of people")
    return size


_READERS: Mapping[str, Callable[[str], Any]] = {"email": _email, "country": _country, "company_size": _size}
