"""The work of capture: look everything up at once, decide item by item in memory, write everything at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.actions.capture.arrivals import Arrivals
from leads.actions.capture.arrivals import asking as asking_campaigns
from leads.actions.capture.people import CaptureRefused, KnownPeople, LeadFile
from leads.actions.capture.people import asking as asking_people
from leads.actions.capture.suppress import asking as asking_addresses
from leads.actions.capture.suppress import told_by
from leads.actions.insert_rows import give_keys, insert_rows
from leads.actions.lead_changes import LeadChanges
from leads.actions.pass_stage import passages_of
from leads.models import (
    DETAILS,
    Account,
    Consent,
    Lead,
    LeadEvent,
    Stage,
    Submission,
    TouchKind,
    Touchpoint,
)
from leads.pure.capture.bots import touch_exclusion
from leads.pure.capture.captured import (
    OPT_OUTS,
    SUBSCRIBER_KINDS,
    CapturedEvent,
    CapturedItem,
    dedupe_key,
    with_tags,
)
from leads.pure.spelling.identity import company_domain, is_internal
from leads.queries.in_force import InForce
from leads.queries.look_up import Asked, look_up

MAX_ADDRESS = 1000  # length of the columns for landing page and referrer
# A statement compares each row with each of its rows: many small ones are quicker than a large one.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured item: its lead and touchpoint, whether either was known before, and whether the lead changed."""

    lead: Lead
    is_new: bool
    touchpoint: Touchpoint
    is_repeat: bool
    is_changed: bool = False


class CaptureDesk:
    """One batch. Every look-up happens here, in the transaction that will write."""

    def __init__(
        self,
        items: Sequence[CapturedItem],
        *,
        at: datetime,
        source: str,
        settings: InForce,
        changes: LeadChanges,
        keeps_submissions: bool,
    ) -> None:
        self.items, self.changes = items, changes
        self.keeps_submissions = keeps_submissions
        self.at = at
        self.source = source[:80]
        self.company = settings.company
        self.events = [with_tags(item.event) for item in items]
        self.keys = [dedupe_key(item) for item in items]
        domains = {domain for item in items if (domain := company_domain(item.email))}
        people, campaigns, accounts, touches, self.suppressed = look_up(
            asking_people(items),
            asking_campaigns(self.events),
            Asked(Account, {"domain": domains}),
            Asked(Touchpoint, {"dedupe_key": self.keys}),
            asking_addresses([item.email for item in items]),
        )
        self.people = KnownPeople(people)
        self.arrivals = Arrivals(self.events, settings, campaigns)
        self.accounts: dict[str, Account] = {account.domain: account for account in accounts}
        self.touches = {touch.dedupe_key: touch for touch in touches}
        self.new_accounts: dict[str, Account] = {}
        self.new_touches: list[Touchpoint] = []
        self.consents: list[Consent] = []

    def take(self, *, needs_intake: bool) -> list[Captured | CaptureRefused]:
        """Decide every item, then write. Raises IntegrityError when another writer was faster."""
        outcomes = [self._take(index) for index in range(len(self.items))]
        self._write(outcomes, needs_intake=needs_intake)
        return outcomes

    def _take(self, index: int) -> Captured | CaptureRefused:
        item, event = self.items[index], self.events[index]
        file = self.people.identify(item, event, self.at)
        if isinstance(file, CaptureRefused):
            return file
        is_new = file.is_new and not file.has_news
        touch = self.touches.get(self.keys[index])
        is_repeat = touch is not None
        self._learn(file, item, event)
        if touch is None:
            touch = self.touches[self.keys[index]] = self._touch(file, item, event, self.keys[index])
            self.new_touches.append(touch)
            file.touches.append(touch)
            file.has_news = True
            file.is_mail_news |= event.kind in OPT_OUTS or event.kind == TouchKind.EMAIL_SIGNUP
            self._advance(file, event)
        if item.consent:
            consent = item.consent
            self.consents.append(
                Consent(
                    lead=file.lead,
                    text=consent.text,
                    given_at=consent.given_at,
                    basis=consent.basis,
                    source=self.source,
                )
            )
        return Captured(file.lead, is_new, touch, is_repeat, is_changed=bool(file.changes))

    def _learn(self, file: LeadFile, item: CapturedItem, event: CapturedEvent) -> None:
        """Take over what the item tells about the person, and their company."""
        lead = file.lead
        is_newest = file.newest_at is None or event.occurred_at >= file.newest_at
        for name in DETAILS:
            given, known = getattr(item, name), getattr(lead, name)
            if given not in ("", None) and given != known and (is_newest or known in ("", None)):
                setattr(lead, name, given)
                file.changes[name] = given
        fresh = {key: value for key, value in item.attributes.items() if is_newest or key not in lead.attributes}
        if any(lead.attributes.get(key) != value for key, value in fresh.items()):
            lead.attributes = file.changes["attributes"] = {**lead.attributes, **fresh}
        domain = company_domain(item.email)
        if domain and lead.account_id is None and not self._is_ours(item.email):
            lead.account = file.changes["account"] = self._account(domain, item)

    def _account(self, domain: str, item: CapturedItem) -> Account:
        if domain not in self.accounts:
            self.accounts[domain] = self.new_accounts[domain] = Account(
                name=item.company or domain,
                domain=domain,
                industry=item.industry,
                company_size=item.company_size,
                country=item.country,
                region=item.region,
                created_at=self.at,
            )
        return self.accounts[domain]

    def _touch(self, file: LeadFile, item: CapturedItem, event: CapturedEvent, key: str) -> Touchpoint:
        channel, campaign = self.arrivals.came_through(event)
        exclusion = event.exclusion or touch_exclusion(
            event.user_agent, event.kind, is_internal=bool(item.email) and self._is_ours(item.email)
        )
        lead = file.lead
        if not exclusion:
            if file.first_at is None or event.occurred_at < file.first_at:
                file.first_at = event.occurred_at
                lead.channel = file.changes["channel"] = channel
                lead.campaign = file.changes["campaign"] = campaign
            file.newest_at = max(file.newest_at or event.occurred_at, event.occurred_at)
        utm = event.utm
        return Touchpoint(
            lead=lead,
            campaign=campaign,
            channel=channel,
            kind=event.kind,
            name=event.name,
            occurred_at=event.occurred_at,
            recorded_at=self.at,
            utm_source=utm.source,
            utm_medium=utm.medium,
            utm_campaign=utm.campaign,
            utm_term=utm.term,
            utm_content=utm.content,
            landing_page=event.landing_page[:MAX_ADDRESS],
            referrer=event.referrer[:MAX_ADDRESS],
            visitor_id=event.visitor_id,
            exclusion=exclusion,
            dedupe_key=key,
        )

    def _advance(self, file: LeadFile, event: CapturedEvent) -> None:
        """A first contact makes a subscriber or a lead; an inquiry makes a lead of a subscriber."""
        lead = file.lead
        target = Stage.SUBSCRIBER if event.kind in SUBSCRIBER_KINDS else Stage.LEAD
        if lead.stage not in ("", Stage.SUBSCRIBER) or lead.stage == target:
            return
        if lead.stage == Stage.SUBSCRIBER and target == Stage.SUBSCRIBER:
            return
        because = f"captured: {event.kind.replace('_', ' ')}"
        passed_at = min(event.occurred_at, self.at)
        self.changes.passages += passages_of(lead=lead, to=target, passed_at=passed_at, because=because)
        lead.stage = file.changes["stage"] = target

    def _is_ours(self, email: str) -> bool:
        return is_internal(email, self.company.internal_domains)

    def _write(self, outcomes: Sequence[Captured | CaptureRefused], *, needs_intake: bool) -> None:
        """Each kind in a fixed order: two batches then never wait in a circle. The leads and accounts themselves are
        left to the changes, and references are looked at when the transaction ends."""
        new = [file for file in self.people.files if file.is_new]
        leads, accounts = [file.lead for file in new], list(self.new_accounts.values())
        give_keys(leads, accounts)
        insert_rows(self.arrivals.discovered())
        given = {file.lead.pk: file for file in self.people.files if "email" in file.changes}
        told = told_by(self.suppressed, leads=[file.lead for file in given.values()], at=self.at)
        if told:
            Touchpoint.objects.bulk_create(told, ignore_conflicts=True)
        for touch in told:
            given[touch.lead_id].touches.append(touch)
        insert_rows(sorted(self.new_touches, key=lambda touch: touch.dedupe_key))
        self._write_consents()
        for lead in leads:
            lead.intake_due_at = self.at if needs_intake else None
            lead.account, lead.campaign = lead.account, lead.campaign  # which may have got their keys just now
            self.changes.tell(lead, LeadEvent.Kind.CAPTURED, {"source": self.source})
        self.changes.make({file.lead: file.touches for file in new}, accounts)
        self._update_known(needs_intake=needs_intake)
        if self.keeps_submissions:
            self._keep(outcomes)

    def _write_consents(self) -> None:
        """The same consent may be sent with every event; once is enough."""
        of_new: dict[tuple[Any, ...], Consent] = {}
        of_known: list[Consent] = []
        for each in self.consents:
            if each.lead._state.adding:
                of_new.setdefault((each.lead.pk, each.given_at, each.basis), each)
            else:
                of_known.append(each)
        insert_rows(of_new.values(), are_keyed=False)
        Consent.objects.bulk_create(of_known, ignore_conflicts=True)

    def _keep(self, outcomes: Sequence[Captured | CaptureRefused]) -> None:
        for item, outcome in zip(self.items, outcomes, strict=True):
            refusal = outcome if isinstance(outcome, CaptureRefused) else None
            fault = {"pointer": refusal.pointer, "code": refusal.code, "detail": refusal.detail} if refusal else None
            self.changes.add(
                Submission(
                    received_at=self.at,
                    source=self.source,
                    payload=dict(item.payload),
                    state=Submission.State.REJECTED if refusal else Submission.State.ACCEPTED,
                    errors=[fault] if fault else [],
                    lead=outcome.lead if isinstance(outcome, Captured) else None,
                )
            )

    def _update_known(self, *, needs_intake: bool) -> None:
        known = [file for file in self.people.files if not file.is_new and (file.changes or file.has_news)]
        changed = [file for file in known if file.changes]
        for file in known:
            fields = sorted(file.changes) + (["is_unsubscribed"] if file.is_mail_news else [])
            if file.changes:
                file.lead.changed_at = self.at
            if fields:
                self.changes.tell(file.lead, LeadEvent.Kind.UPDATED, {"fields": fields})
        columns = {name for file in changed for name in file.changes} | ({"changed_at"} if changed else set())
        if needs_intake:
            for file in known:
                file.lead.intake_due_at = self.at
        if needs_intake and len(changed) == len(known):
            columns |= {"intake_due_at"} if known else set()
        elif needs_intake:
            Lead.objects.filter(pk__in=[file.lead.pk for file in known]).update(intake_due_at=self.at)
        # The rows are locked and were read whole, so that writing a column that one of them keeps changes nothing.
        if changed:
            _update([file.lead for file in changed], sorted(columns))


def _update(leads: Sequence[Lead], columns: Sequence[str]) -> None:
    """Write these columns of the leads; one alone needs no choice by row."""
    if len(leads) == 1:
        (lead,) = leads
        Lead.objects.filter(pk=lead.pk).update(**{name: getattr(lead, name) for name in columns})
    else:
        Lead.objects.bulk_update(leads, columns, batch_size=AT_ONCE)
