"""Writes whatever can be written, at random, until told to stop: one of several processes that keep transactions open.

python -m tests.leads.past.writer SEED START-FILE
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import django

from tests.forking import stand_ready

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
STOP = "stop"
TOLD = "done"


class Writer:
    """Draws kinds of writes; each runs in the transaction of whoever calls it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.written = 0

    def at(self) -> datetime:
        return AT + timedelta(minutes=self.rng.randrange(10_000))

    def any_of(self, model: type, **having: object):
        found = list(model.objects.filter(**having).order_by("pk").values_list("pk", flat=True))
        return model.objects.filter(pk=self.rng.choice(found)).first() if found else None

    def capture(self) -> None:
        from leads.actions.capture.capture import capture_lead
        from leads.pure.capture.captured import CapturedEvent, CapturedItem

        event = CapturedEvent(kind="form_submission", occurred_at=self.at(), name="Pricing")
        email = f"p{self.rng.randrange(12)}@somewhere{self.rng.randrange(3)}.example"
        item = CapturedItem(email=email, company=self.rng.choice("ABC"), event=event, payload={"email": email})
        capture_lead(item=item, source="form", at=self.at())

    def intake(self) -> None:
        from leads.actions.intake import run_intake
        from leads.models import Lead

        run_intake(lead_ids=list(Lead.objects.values_list("pk", flat=True)[:5]), at=self.at())

    def edit(self) -> None:
        from leads.actions.identity.revise_leads import Revision, revise_leads
        from leads.models import Lead

        if lead := self.any_of(Lead):
            values = {"company": self.rng.choice("ABC"), "job_title": self.rng.choice("XYZ")}
            revise_leads(revisions=[Revision(lead.pk, values)], source="page", at=self.at())

    def stage_of_lead(self) -> None:
        from leads.actions.pass_stage import pass_stage
        from leads.models import Lead

        if lead := self.any_of(Lead):
            to = self.rng.choice(["mql", "sal", "sql", "opportunity", "recycled", "disqualified"])
            pass_stage(lead=lead, to=to, at=self.at(), reason="bad_fit" if to in ("recycled", "disqualified") else "")

    def merge(self) -> None:
        from leads.actions.identity.merge_leads import merge_leads
        from leads.models import Lead

        one, two = self.any_of(Lead, merged_into=None), self.any_of(Lead, merged_into=None)
        if one and two and one.pk != two.pk:
            merge_leads(survivor_id=one.pk, loser_id=two.pk, by=None, at=self.at())

    def unmerge(self) -> None:
        from leads.actions.identity.unmerge_lead import unmerge_lead
        from leads.models import Lead

        if lead := self.any_of(Lead, merged_into__isnull=False):
            unmerge_lead(loser_id=lead.pk, by=None, at=self.at())

    def pull(self) -> None:
        from leads.actions.deals.record_opportunity import ChangeFact, ContactFact, DealFacts, record_opportunities
        from leads.models import Lead, Opportunity, PipelineStage

        stage = self.rng.choice(list(PipelineStage.objects.order_by("position")))
        known, lead = self.any_of(Opportunity), self.any_of(Lead)
        at, amount = self.at(), self.rng.choice([None, 10_000, 250_000])
        currency = self.rng.choice(["EUR", "USD"])
        key = str(uuid.UUID(int=self.rng.getrandbits(128)))
        change = ChangeFact(source_key=key, changed_at=at, stage=stage, amount_cents=amount, currency=currency)
        deal = DealFacts(
            name=f"Pulled {self.rng.randrange(5)}",
            stage=stage,
            status=stage.status,
            amount_cents=amount,
            currency=currency,
            opened_at=AT - timedelta(days=9),
            closed_at=None if stage.status == "open" else at,
            changed_at=at,
            source="crm",
            opportunity_id=known.pk if known and self.rng.random() < 0.7 else None,
            contacts=[ContactFact(lead_id=lead.pk)] if lead else [],
            changes=[change],
        )
        record_opportunities(deals=[deal], at=at)

    def deals_in_bulk(self) -> None:
        from leads.models import Opportunity

        rows = list(Opportunity.objects.order_by("pk")[:6])
        for row in rows:
            row.amount_cents = row.reporting_cents = self.rng.randrange(1, 9) * 10_000
        Opportunity.objects.bulk_update(rows, ["amount_cents", "reporting_cents"])

    def delete(self) -> None:
        from leads.models import Opportunity, OpportunityContact, Touchpoint

        if row := self.any_of(self.rng.choice([Touchpoint, OpportunityContact, Opportunity])):
            row.delete()

    def restore(self) -> None:
        """Gone and back under the same id, in one transaction or in the next."""
        from leads.models import Touchpoint

        if row := self.any_of(Touchpoint):
            Touchpoint.objects.filter(pk=row.pk).delete()
            Touchpoint.objects.bulk_create([row])

    def cost(self) -> None:
        from leads.actions.campaigns.forget_costs import forget_costs
        from leads.actions.campaigns.keep_cost_history import Said
        from leads.actions.campaigns.record_costs import DayCost, record_costs
        from leads.models import Campaign, CostDoor

        campaign, day = self.any_of(Campaign), date(2026, 11, self.rng.randrange(1, 20))
        said = Said(door=CostDoor.API, name=f"writer {self.seed}")
        if campaign and self.rng.random() < 0.7:
            costs = [DayCost(campaign.pk, day, self.rng.randrange(9_000), self.rng.choice(["EUR", "USD"]))]
            record_costs(costs=costs, source="ads", said=said, at=self.at())
        elif campaign:
            forget_costs(
                campaign=campaign.pk, first=day, last=date(2026, 11, 30), source="ads", said=said, at=self.at()
            )

    def rate(self) -> None:
        from leads.models import ExchangeRate

        rate = Decimal(self.rng.randrange(80, 120)) / 100
        day = date(2026, self.rng.choice([10, 11]), 1)
        ExchangeRate.objects.update_or_create(currency="USD", valid_from=day, defaults={"rate": rate})

    def stage(self) -> None:
        from leads.models import PipelineStage

        stage = self.any_of(PipelineStage, status="open")
        PipelineStage.objects.filter(pk=stage.pk).update(
            probability=self.rng.randrange(10) / 10, stalled_after_days=self.rng.randrange(1, 40)
        )

    def target(self) -> None:
        from alignment.models import Target

        values = {"ends_on": date(2026, 12, 31), "weekly_value": self.rng.randrange(90)}
        Target.objects.update_or_create(figure="leads.mqls", starts_on=date(2026, 10, 1), defaults=values)

    def rule(self) -> None:
        from attribution.models import AttributionRules
        from leads.models import Channel

        rules = AttributionRules.objects.get()
        AttributionRules.objects.filter(pk=rules.pk).update(
            sourced_test=self.rng.choice(["first_touch", "lead_creation", "opportunity_creation"])
        )
        rules.suppressed_channels.set(list(Channel.objects.order_by("?")[: self.rng.randrange(3)]))

    def channel(self) -> None:
        from leads.models import Channel

        row = self.any_of(Channel)
        Channel.objects.filter(pk=row.pk).update(is_advertising=self.rng.random() < 0.5)

    def owner(self) -> None:
        from leads.models import Lead, Opportunity, User

        user = self.any_of(User)
        if row := self.any_of(self.rng.choice([Lead, Opportunity])):
            type(row).objects.filter(pk=row.pk).update(owner=user)
        if user:
            User.objects.filter(pk=user.pk).update(name=self.rng.choice(["Ann", "Ben", "Cem"]))

    def raw(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("UPDATE leads_touchpoint SET exclusion = %s", [self.rng.choice(["", "bot"])])
            cursor.execute("DELETE FROM leads_followup WHERE id = (SELECT min(id) FROM leads_followup)")

    def kinds(self) -> list[Callable[[], None]]:
        often = [self.capture, self.edit, self.stage_of_lead, self.merge, self.unmerge, self.pull, self.cost]
        seldom = [self.intake, self.deals_in_bulk, self.delete, self.restore, self.rate, self.stage, self.target]
        return [*often, *often, *seldom, self.rule, self.channel, self.owner, self.raw]

    def transaction(self, hold: float) -> None:
        """Some writes of one transaction, of which some are taken back, held open for a while."""
        from django.db import transaction

        from leads.past.acting import act
        from leads.pure.refused import Refused

        with act(self.rng.choice(["page", "api", "crm"]), actor=self.seed), transaction.atomic():
            for _ in range(self.rng.randrange(1, 5)):
                kind = self.rng.choice(self.kinds())
                try:
                    with transaction.atomic():
                        kind()
                        if self.rng.random() < 0.1:
                            raise ZeroDivisionError
                    self.written += 1
                except (Refused, ZeroDivisionError):
                    continue
            time.sleep(hold * self.rng.random())
            if self.rng.random() < 0.1:
                transaction.set_rollback(True)


def main(seed: int, start: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import DatabaseError, connection

    writer, failed, done = Writer(seed), 0, 0
    # On SQLite others wait while one writes.
    hold, rest = (0.25, 0.05) if connection.vendor == "postgresql" else (0.03, 0.06)
    connection.ensure_connection()
    stand_ready(start)
    while not start.with_name(STOP).exists():
        try:
            writer.transaction(hold)
            done += 1
        except DatabaseError:  # a deadlock, a duplicate, a row that was gone: taken back, as a whole
            failed += 1
        time.sleep(rest * writer.rng.random())
    sys.stdout.write(f"{TOLD} {done} {failed} {writer.written}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
