"""Pull campaigns and who responded to them, from CRMs that have such records.

A member's response is a dated contact of a person we know, so it becomes a touch, once per member. Members who never
responded were only on a list: that is no contact, unless the connection says that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction

from integrations.actions.pull.read_amounts import UnreadableAmount, read_amount
from integrations.actions.pull.who_is_who import leads_of
from integrations.actions.runs.hold_connection import Held
from integrations.actions.runs.log_run import RunLog
from integrations.connectors.base import CampaignMember, Connector, RemoteCampaign, RemoteContact, Window
from integrations.models import Connection, ExternalRecord, RecordKind, SyncRecord, Watermark
from integrations.pure.activity_rules import MEMBER as MEMBER_RULE
from integrations.pure.campaign_kinds import channel_of, touch_kind
from leads.actions.campaigns.record_campaigns import CampaignFact, record_campaigns
from leads.actions.capture.record_touches import TouchFact, record_touches
from leads.models import Company

OVERLAP = timedelta(minutes=10)
BATCH = 500
# Before the id of a member in the key of the touch that their response is.
MEMBER = "member:"


def pull_campaigns(*, held: Held, connector: Connector, run: RunLog, until: datetime) -> None:
    """Read campaigns, then the members that changed. Does nothing where the CRM has none."""
    if not connector.capabilities.campaigns:
        return
    kinds: dict[str, str] = {}
    campaigns = iter(connector.campaigns())
    while batch := list(islice(campaigns, BATCH)):
        kinds |= {each.remote_id: each.kind for each in batch}
        _record(held, run, batch)
    if not connector.capabilities.members:
        return
    mark, _ = Watermark.objects.get_or_create(connection=held.connection, kind=RecordKind.CAMPAIGN)
    members = iter(connector.members(Window(mark.read_to and mark.read_to - OVERLAP, until)))
    while some := list(islice(members, BATCH)):
        _touch(held, run, some, kinds)
    # Who releases a campaign meanwhile has taken the mark back to the start: the next sync reads everything then.
    Watermark.objects.filter(pk=mark.pk, read_to=mark.read_to).update(read_to=until)


def _record(held: Held, run: RunLog, batch: Sequence[RemoteCampaign]) -> None:
    connection = held.connection
    with transaction.atomic():
        at = held.keep()
        rows = ExternalRecord.objects.filter(connection=connection, kind=RecordKind.CAMPAIGN)
        links = {row.remote_id: row for row in rows}
        taken = frozenset(row.campaign_id for row in links.values() if row.campaign_id)
        seen, held_ids = len(batch), {row.remote_id for row in links.values() if row.held_at}
        batch = [each for each in batch if each.remote_id not in held_ids]
        facts = [_fact(each, links.get(each.remote_id), connection.currency) for each in batch]
        recorded = record_campaigns(facts=facts, taken=taken, source=connection.source, at=at)
        new: list[ExternalRecord] = []
        known: list[ExternalRecord] = []
        for remote, each in zip(batch, recorded, strict=True):
            link = links.get(remote.remote_id)
            if link is not None and link.campaign_id is None:  # an undo removed it, and the record was released
                link.campaign = each.campaign
                known.append(link)
            elif link is None:
                new.append(
                    ExternalRecord(
                        connection=connection,
                        kind=RecordKind.CAMPAIGN,
                        remote_id=remote.remote_id,
                        remote_name=remote.name[:200],
                        campaign=each.campaign,
                        synced_at=at,
                    )
                )
            if each.is_created or each.filled:
                run.add(
                    SyncRecord.Outcome.CREATED if each.is_created else SyncRecord.Outcome.UPDATED,
                    at,
                    kind=RecordKind.CAMPAIGN,
                    way=SyncRecord.Way.IN,
                    campaign=each.campaign,
                    remote_id=remote.remote_id,
                    changes={name: ["", value] for name, value in each.filled.items()},
                )
            else:
                run.run.unchanged += 1
        ExternalRecord.objects.bulk_create(new, batch_size=200, ignore_conflicts=True)
        ExternalRecord.objects.bulk_update(known, ["campaign"], batch_size=200)
        run.flush(at, seen=seen)


def _fact(remote: RemoteCampaign, link: ExternalRecord | None, currency: str) -> CampaignFact:
    money = remote.currency or currency
    return CampaignFact(
        key=remote.remote_id,
        name=remote.name,
        channel=channel_of(f"{remote.kind} {remote.name}"),
        campaign_id=link.campaign_id if link else None,
        starts_on=remote.starts_on,
        ends_on=remote.ends_on,
        budget_cents=_cents(remote.budget, money),
        cost_cents=_cents(remote.cost, money),
        currency=money,
    )


def _cents(amount: Decimal | None, currency: str) -> int | None:
    """Minor units, rounded to the currency; an amount that is none (negative, in no known currency) is unknown."""
    try:
        cents, _ = read_amount(amount, currency)
    except UnreadableAmount:
        return None
    return cents if cents is None or cents >= 0 else None


def _touch(held: Held, run: RunLog, members: Sequence[CampaignMember], kinds: dict[str, str]) -> None:
    connection = held.connection
    counts_all = connection.activities.get(MEMBER_RULE, {}).get("rule") == "added"
    responses = [
        member if member.responded_at else replace(member, responded_at=member.created_at)
        for member in members
        if member.responded_at is not None or counts_all
    ]
    with transaction.atomic():
        at, tz = held.keep(), Company.current().tz
        campaigns = _campaigns(connection, responses)
        people = [RemoteContact(member.person_id, member.person_key) for member in responses]
        leads = leads_of(connection=connection, people=people).by_person
        facts = [
            TouchFact(
                key=f"{MEMBER}{member.remote_id}",
                lead_id=leads[member.person_id],
                kind=touch_kind(f"{kinds.get(member.campaign_id, '')} {name}", member.status),
                occurred_at=min(_moment(member.responded_at, tz) or at, at),
                campaign_id=campaign_id,
                name=member.status,
            )
            for member in responses
            if member.person_id in leads and member.campaign_id in campaigns
            for campaign_id, name in [campaigns[member.campaign_id]]
        ]
        for each in record_touches(facts=facts, source=f"crm:{connection.source}", at=at):
            run.add(
                SyncRecord.Outcome.CREATED,
                at,
                kind=RecordKind.TOUCH,
                way=SyncRecord.Way.IN,
                lead_id=each.fact.lead_id,
                campaign_id=each.fact.campaign_id,
                remote_id=each.fact.key.removeprefix(MEMBER),
                title=each.fact.name[:200],
                written={**each.first, "touch": [None, each.touch.pk]},
            )
        run.flush(at, seen=len(members))


def _moment(responded: datetime | date | None, tz: ZoneInfo) -> datetime | None:
    """When they responded; a day is its noon, where the company is."""
    if responded is None or isinstance(responded, datetime):
        return responded
    return datetime.combine(responded, time(12), tz).astimezone(UTC)


def _campaigns(connection: Connection, members: Sequence[CampaignMember]) -> dict[str, tuple[int, str]]:
    rows = ExternalRecord.objects.filter(
        connection=connection, kind=RecordKind.CAMPAIGN, remote_id__in={member.campaign_id for member in members}
    ).exclude(held_at__isnull=False)
    found = rows.filter(campaign__isnull=False).values_list("remote_id", "campaign_id", "campaign__name")
    return {remote_id: (campaign_id, name) for remote_id, campaign_id, name in found if campaign_id is not None}
