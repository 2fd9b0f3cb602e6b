"""Edit connections: add one, replace its secrets, choose what its fields, stages and owners mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from integrations.actions.connections.token_store import forget_tokens
from integrations.actions.push.back_fill import plan_back_fill
from integrations.connectors import rules as vendor_rules
from integrations.models import Connection, ExternalRecord, FieldMap, RecordKind, StageMap, Watermark
from integrations.pure.mapping import FieldRule, MappingError, overlapping
from leads.models import User

# Words that stand where a slug would stand in an address.
RESERVED = {"add", "try", "oauth"}


def add_connection(
    *,
    name: str,
    kind: str,
    base_url: str,
    secret: str = "",
    at: datetime,
    secrets: Mapping[str, str] | None = None,
    sign_in: str = "",
    account_settings: Mapping[str, Any] | None = None,
    currency: str = "",
    by: User | None = None,
    is_active: bool = True,
) -> Connection:
    """A new connection with the mapping that its connector brings.

    An active one owes the CRM every lead we have: a job of its own (`back_fill.plan_back_fill`) says so, in the
    background. One that is not active is set up first and switched on later (`switch_connection.switch_on`).
    """
    with transaction.atomic():
        connection = Connection.objects.create(
            slug=_free_slug(name),
            name=name,
            kind=kind,
            base_url=base_url,
            secret=secret,
            secrets=dict(secrets or {}),
            secret_set_at=at,
            sign_in=sign_in,
            settings=dict(account_settings or {}),
            currency=currency,
            is_active=is_active,
            switched_on_at=at if is_active else None,
            created_at=at,
        )
        _fill_mapping(connection)
        if is_active:
            plan_back_fill(connection=connection, by=by, at=at)
    return connection


def edit_access(
    *,
    connection_id: int,
    name: str,
    base_url: str,
    sign_in: str,
    account_settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    currency: str,
    at: datetime,
    merges_people: bool | None = None,
) -> bool:
    """Change name, address, way of signing in, settings, and those secrets that are given; whether access changed."""
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        before = (connection.base_url, connection.sign_in, connection.settings)
        counted_in = connection.currency
        connection.name, connection.base_url, connection.sign_in = name, base_url, sign_in
        connection.settings, connection.currency = {**connection.settings, **account_settings}, currency
        is_other = before != (connection.base_url, connection.sign_in, connection.settings)
        if counted_in != currency:
            # Amounts that name no currency were read in the old one, or not at all.
            _read_again(connection_id, (RecordKind.DEAL,))
        if merges_people is not None:
            connection.merges_people = merges_people
        connection.save(update_fields=["name", "base_url", "sign_in", "settings", "currency", "merges_people"])
        if secrets:
            replace_secret(connection_id=connection_id, secrets=secrets, at=at)
        elif is_other:
            forget_tokens(connection_id=connection_id)
    return is_other or bool(secrets)


def _fill_mapping(connection: Connection) -> None:
    for kind, rules in vendor_rules(connection.kind).items():
        seen: set[str] = set()
        once: list[FieldRule] = []
        for rule in rules:
            names = {f"l {rule.local}", f"r {rule.remote}"}
            if not names & seen:
                seen |= names
                once.append(rule)
        _create_mapping(connection, kind, once)


def _create_mapping(connection: Connection, kind: str, rules: Sequence[FieldRule]) -> None:
    FieldMap.objects.bulk_create(
        FieldMap(
            connection=connection,
            kind=kind,
            local=rule.local,
            remote=rule.remote,
            direction=rule.direction,
            policy=rule.policy,
            values=dict(rule.values),
            position=position,
        )
        for position, rule in enumerate(rules)
    )


def replace_secret(
    *, connection_id: int, secret: str = "", at: datetime, secrets: Mapping[str, str] | None = None
) -> None:
    """Use other secrets from now on; tokens and a pause that the old ones caused are gone.

    With ``secrets`` those named are replaced and the others stay.
    """
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        if secret:
            connection.secret = secret
        connection.secrets = {**connection.secrets, **(secrets or {})}
        connection.secret_set_at, connection.failures, connection.paused_until = at, 0, None
        connection.health, connection.health_note = Connection.Health.UNTRIED, ""
        columns = ("secret", "secrets", "secret_set_at", "failures", "paused_until", "health", "health_note")
        connection.save(update_fields=columns)
        forget_tokens(connection_id=connection_id)


def open_webhook(*, connection_id: int) -> tuple[str, str]:
    """Make a new unguessable key for the webhook's address and a new password; the old ones are void.

    Returns both. The password is for the admin to copy into the CRM once; it is not shown again.
    """
    key, password = token_urlsafe(32), token_urlsafe(24)
    Connection.objects.filter(pk=connection_id).update(webhook_key=key, webhook_secret=password)
    return key, password


def map_stages(*, connection_id: int, choices: Mapping[int, int | None]) -> int:
    """Choose our stage for rows of the stage mapping; returns how many changed.

    What was left unmapped is a choice, too: nothing is proposed for it again. Deals were read under the old mapping, so
    the next pull reads all of them again; equal ones write nothing.
    """
    with transaction.atomic():
        rows = StageMap.objects.select_for_update(of=("self",)).filter(connection=connection_id, pk__in=choices)
        changed = [row for row in rows if (row.stage_id, row.is_chosen) != (choices[row.pk], True)]
        moved = sum(row.stage_id != choices[row.pk] for row in changed)
        for row in changed:
            row.stage_id, row.is_chosen = choices[row.pk], True
        StageMap.objects.bulk_update(changed, ["stage", "is_chosen"])
        if moved:
            _read_again(connection_id, (RecordKind.DEAL,))
    return moved


def map_owners(*, connection_id: int, choices: Mapping[int, int | None]) -> int:
    """Choose our user for owners of the CRM by row of `ExternalRecord`; returns how many changed.

    A choice is never matched anew. What was read under the old one is read again, and leads are sent again.
    """
    with transaction.atomic():
        rows = ExternalRecord.objects.select_for_update(of=("self",)).filter(
            connection=connection_id, kind=RecordKind.OWNER, pk__in=choices
        )
        changed = [row for row in rows if (row.owner_id, row.is_chosen) != (choices[row.pk], True)]
        moved = sum(row.owner_id != choices[row.pk] for row in changed)
        for row in changed:
            row.owner_id, row.is_chosen = choices[row.pk], True
        ExternalRecord.objects.bulk_update(changed, ["owner", "is_chosen"])
        if moved:
            _read_again(connection_id, (RecordKind.DEAL, RecordKind.PERSON, RecordKind.ACCOUNT))
    return moved


def map_fields(*, connection_id: int, kind: str, rules: Sequence[FieldRule], at: datetime, by: User | None) -> bool:
    """Replace the field mapping of a kind; whether anything changed. Raises `MappingError` for a name used twice.

    Records were read and sent under the old mapping: what changed is read again and, for people, owed again.
    """
    for side in ("local", "remote"):
        names = [getattr(rule, side) for rule in rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise MappingError(twice, "is mapped twice")
    whole = overlapping([rule.remote for rule in rules])
    if whole is not None:
        raise MappingError(whole, "is mapped as a whole and in part")
    with transaction.atomic():
        connection = Connection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        rows = FieldMap.objects.filter(connection=connection, kind=kind)
        present = list(rows.order_by("position", "pk").values_list("local", "remote", "direction", "policy", "values"))
        wanted = [(rule.local, rule.remote, str(rule.direction), str(rule.policy), dict(rule.values)) for rule in rules]
        if present == wanted:
            return False
        rows.delete()
        _create_mapping(connection, kind, rules)
        ExternalRecord.objects.filter(connection=connection, kind=RecordKind.DEAL).update(content_hash="")
        _read_again(connection_id, (kind,))
        if kind == RecordKind.PERSON and connection.is_active:
            plan_back_fill(connection=connection, by=by, at=at, is_again=True)
    return True


def _read_again(connection_id: int, kinds: Collection[str]) -> None:
    Watermark.objects.filter(connection=connection_id, kind__in=kinds).update(
        read_to=None, window_ends_at=None, resume_token=""
    )


def _free_slug(name: str) -> str:
    stem = slugify(name)[:50] or "crm"
    taken = set(Connection.objects.filter(slug__startswith=stem).values_list("slug", flat=True)) | RESERVED
    return next(slug for number in range(1, len(taken) + 2) if (slug := _numbered(stem, number)) not in taken)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
