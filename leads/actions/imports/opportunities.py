"""Import deals: find their people, then record them as any other source's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from leads.actions.deals.record_opportunity import ChangeFact, ContactFact, DealFacts, Recorded, record_opportunities
from leads.actions.imports.leads import Outcome
from leads.models import Account, Company, DealStatus, Lead, Opportunity, OpportunityChange, PipelineStage
from leads.pure.imports.cells import RowRefused
from leads.pure.imports.records import DealRecord
from leads.pure.imports.words import DealStage, guess_deal_stage, is_named
from leads.pure.week import local_date
from leads.queries.imports import AccountBook, users_named

# Of deals whose opening is unknown: the day they closed, or of the import while they are open.
OPENED_BY_DATES = "dates"


@dataclass(frozen=True, slots=True)
class DealOptions:
    """``opened``: where the opening is unknown, "" takes the lead's first contact, OPENED_BY_DATES the row's own dates.

    ``creates_accounts``: make accounts of names that are not here; without it such rows are refused.
    """

    source: str
    opened: str = ""
    creates_accounts: bool = False


def import_opportunities(*, records: Sequence[DealRecord], options: DealOptions, at: datetime) -> list[Outcome]:
    """Take up to 1,000 deals in, in one transaction; outcomes are in the order of the records.

    Repeating it changes nothing, and empty cells erase nothing.
    """
    with transaction.atomic():
        desk = _Desk(records, options, at)
        outcomes: list[Outcome | None] = []
        deals: list[DealFacts] = []
        for record in records:
            try:
                deals.append(desk.facts(record))
                outcomes.append(None)
            except RowRefused as refusal:
                outcomes.append(refusal)
        recorded = record_opportunities(deals=deals, at=at)
        done = iter(map(_outcome, recorded))
        return [next(done) if outcome is None else outcome for outcome in outcomes]


def _outcome(recorded: Recorded) -> Outcome:
    return "created" if recorded.is_created else "updated" if recorded.changes else "unchanged"


class _Desk:
    """Everything the records refer to, looked up at once."""

    def __init__(self, records: Sequence[DealRecord], options: DealOptions, at: datetime) -> None:
        self.options, self.source, self.at = options, options.source, at
        self.tz: ZoneInfo = Company.current().tz
        self.stages = list(PipelineStage.objects.order_by("position", "pk"))
        self.words = [DealStage(each.key, each.name, each.status) for each in self.stages]
        self.known = {
            row.external_id: row
            for row in Opportunity.objects.filter(external_id__in=[record.external_id for record in records])
        }
        lines = OpportunityChange.objects.filter(opportunity__in=[row.pk for row in self.known.values()]).order_by()
        self.last = dict(lines.values_list("opportunity").annotate(Max("changed_at")))
        self.by_id = _leads("external_id", {record.lead_external_id for record in records} - {""})
        self.by_email = _leads("email", {record.lead_email for record in records} - {""})
        self.owners = {word: user.pk for word, user in users_named({record.owner for record in records}).items()}
        self.accounts = AccountBook(
            (record.account for record in records), (record.account_domain for record in records)
        )

    def facts(self, record: DealRecord) -> DealFacts:
        known, lead, stage = self.known.get(record.external_id), self._lead(record), self._stage(record)
        closed_at = self._closed_at(record, stage, known)
        opened_at = record.opened_at or (known.opened_at if known else None) or self._opened_at(lead, closed_at)
        # A deal that is new here stands in its stage since it opened, unless the file says otherwise.
        since = closed_at or record.stage_since or (None if known else opened_at)
        amount_cents, currency = record.amount_cents, record.currency
        if known and amount_cents is None:
            amount_cents, currency = known.amount_cents, known.currency
        expected = record.closed_at if stage.status == DealStatus.OPEN else None
        return DealFacts(
            name=record.name or (known.name if known else _name(record, lead)),
            stage=stage,
            status=stage.status,
            amount_cents=amount_cents,
            currency=currency,
            opened_at=opened_at,
            closed_at=closed_at,
            changed_at=closed_at or opened_at,
            source=self.source,
            opportunity_id=known.pk if known else None,
            expected_close_on=local_date(expected, self.tz) if expected else known.expected_close_on if known else None,
            lost_reason=record.lost_reason or (known.lost_reason if known else ""),
            deleted_at=known.deleted_at if known else None,
            owner_id=self.owners.get(record.owner),
            account_id=self._account_id(record),
            external_id=record.external_id,
            attributes=record.attributes,
            changes=self._past(known, stage, opened_at, since, amount_cents, currency),
            contacts=[ContactFact(lead_id=lead.pk, is_primary=True)] if lead else [],
        )

    def _opened_at(self, lead: Lead | None, closed_at: datetime | None) -> datetime:
        if self.options.opened == OPENED_BY_DATES:
            return closed_at or self.at
        if lead is None:
            raise RowRefused("opened_at", "The row says neither when the deal opened nor whose it is.")
        return lead.captured_at

    def _account_id(self, record: DealRecord) -> int | None:
        if record.account_domain and (row := self.accounts.by_domain.get(record.account_domain)):
            return row.pk
        if not record.account:
            if record.account_domain:
                return self._new_account(record, "account_domain", record.account_domain)
            return None
        alike = self.accounts.named(record.account)
        if len(alike) > 1:
            raise RowRefused("account", f"{len(alike)} accounts are named {record.account!r}. Name their domain.")
        return alike[0].pk if alike else self._new_account(record, "account", record.account)

    def _new_account(self, record: DealRecord, field: str, name: str) -> int:
        if not self.options.creates_accounts:
            raise RowRefused(field, f"There is no account {name!r}. Import the accounts first, or have them created.")
        row = Account.objects.create(name=name, domain=record.account_domain or None, created_at=self.at)
        self.accounts.add(row)
        return row.pk

    def _past(
        self,
        known: Opportunity | None,
        stage: PipelineStage,
        opened_at: datetime,
        since: datetime | None,
        amount: int | None,
        currency: str,
    ) -> list[ChangeFact]:
        """Of a new deal two lines: it opened in the first stage, and came where it is. Of a known one what moved."""

        def line(key: str, at: datetime, stage: PipelineStage) -> ChangeFact:
            return ChangeFact(source_key=key, changed_at=at, stage=stage, amount_cents=amount, currency=currency)

        first = next(each for each in self.stages if each.status == DealStatus.OPEN)
        opening = [] if known else [line("import:opened", opened_at, first)]
        before = (known.stage_id, known.amount_cents, known.currency) if known else (first.pk, amount, currency)
        if before == (stage.pk, amount, currency):
            return opening
        # Of a move whose day the file does not tell we know that it was seen now; so of a deal that closes again
        # after it was reopened, whatever day the file gives: lines are in the order in which they happened.
        last = self.last.get(known.pk) if known else None
        at = since if since and (last is None or last < since) else self.at
        return [*opening, line(f"import:{stage.key}:{self.at.isoformat()}", at, stage)]

    def _lead(self, record: DealRecord) -> Lead | None:
        by_id, by_email = self.by_id.get(record.lead_external_id), self.by_email.get(record.lead_email)
        if by_id is None and by_email is None:
            for name in ("lead_external_id", "lead_email"):
                if who := getattr(record, name):
                    raise RowRefused(name, f"There is no lead {who!r}. Import the leads first.")
        if by_id and by_email and by_id.pk != by_email.pk:
            raise RowRefused("lead_email", "The email and the external id are of two leads.")
        return by_id or by_email

    def _stage(self, record: DealRecord) -> PipelineStage:
        word = record.stage
        if not word:
            if record.closed_at and record.closed_at <= self.at:
                raise RowRefused("stage", "The deal is closed, but the row does not say whether it was won or lost.")
            word = "open"
        key = guess_deal_stage(word, self.words) if is_named(word, self.words) else ""
        for stage in self.stages:
            if stage.key == key:
                return stage
        names = ", ".join(stage.name for stage in self.stages)
        raise RowRefused("stage", f"{record.stage!r} is no stage here. Say what it means: {names}.")

    def _closed_at(self, record: DealRecord, stage: PipelineStage, known: Opportunity | None) -> datetime | None:
        if stage.status == DealStatus.OPEN:
            return None
        closed_at = record.closed_at or (known.closed_at if known and known.status == stage.status else None)
        if closed_at is None:
            raise RowRefused("closed_at", f"The deal is {stage.status}, but the row does not say since when.")
        if closed_at > self.at:
            raise RowRefused("closed_at", f"The deal is {stage.status}, but closes in the future.")
        return closed_at


def _leads(column: str, values: set[str]) -> Mapping[str, Lead]:
    """Leads by that column; a merged one stands for its winner."""
    rows = list(Lead.objects.filter(**{f"{column}__in": values}).select_related("merged_into__merged_into"))
    found: dict[str, Lead] = {}
    for row in rows:
        lead = row
        while lead.merged_into is not None:
            lead = lead.merged_into
        found[getattr(row, column)] = lead
    return found


def _name(record: DealRecord, lead: Lead | None) -> str:
    return (lead.company if lead and lead.company else f"Deal {record.external_id}")[:200]
