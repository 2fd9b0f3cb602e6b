"""The rows of an imported table: what each says.

A row either becomes a record or is refused whole with the field at fault; nothing is guessed, cut or half taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

from leads.pure.capture.captured import CapturedConsent
from leads.pure.imports.ad_reports import read_ad_cost
from leads.pure.imports.cells import Cells, Plan, RowRefused
from leads.pure.imports.fields import ACCOUNTS, ATTENDANCE, COSTS, LEADS, OPPORTUNITIES
from leads.pure.imports.records import AccountRecord, AttendanceRecord, CostRecord, DealRecord, LeadRecord, Record
from leads.pure.imports.words import has_come, has_opted_out, is_consent, named_lead_stage
from leads.pure.spelling.identity import is_free_mail
from leads.pure.table_file import Row
from leads.pure.week import local_date

_LONGEST_ID = 120
LEAD_STAGES = ("lead", "mql", "sal", "sql")


def parse_row(row: Row, plan: Plan) -> Record:
    """What a row says. Raises RowRefused."""
    if plan.preset:
        return read_ad_cost(row, plan)
    if row.problem:
        raise RowRefused("", f"The row {row.problem}.")
    return _PARSERS[plan.kind](Cells(row.cells, plan))


def _lead(cells: Cells) -> LeadRecord:
    email, external_id = cells.email("email"), cells.text("external_id")
    if not email and not external_id:
        raise RowRefused("", "The row has neither an email address nor an external id.")
    texts = ("first_name", "last_name", "company", "job_title", "region", "postal_code", "industry")
    details: dict[str, str | int] = {name: cells.text(name) for name in texts}
    if not details["first_name"] and not details["last_name"]:
        details["first_name"], _, details["last_name"] = cells.text("name").partition(" ")
    details |= {"phone": cells.phone("phone"), "country": cells.country("country")}
    attributes, channel, campaign = cells.others(), cells.plan.default_channel, cells.text("campaign")
    if (size := cells.count("company_size")) is not None:
        details["company_size"] = size
        if (word := cells.text("company_size")) != str(size):
            attributes[cells.plan.columns["company_size"]] = word
    if column := cells.plan.columns.get("channel"):
        word = cells.text("channel")
        channel = cells.plan.channel_of(word)
        if word:
            attributes[column] = word
    stage, owner = _lead_stage(cells, attributes), cells.word("owner", cells.plan.owners)
    if name := cells.text("owner"):
        attributes[cells.plan.columns["owner"]] = name
    occurred_at = cells.moment("occurred_at")
    return LeadRecord(
        email=email,
        external_id=external_id,
        details={name: value for name, value in details.items() if value != ""},
        occurred_at=occurred_at,
        channel=channel or ("" if campaign else "other"),
        landing_page=cells.text("landing_page"),
        campaign=campaign,
        attributes=attributes,
        stage=stage,
        owner=owner,
        consent=_consent(cells, occurred_at),
        is_unsubscribed=_unsubscribed(cells),
    )


def _lead_stage(cells: Cells, attributes: dict[str, str]) -> str:
    word = cells.text("stage")
    if not word:
        return ""
    attributes[cells.plan.columns["stage"]] = word
    stage = cells.word("stage", cells.plan.stages)
    stage = stage if stage in LEAD_STAGES else named_lead_stage(stage)
    if not stage:
        raise RowRefused("stage", f"{word!r} is no stage here. Say what it means: {', '.join(LEAD_STAGES)}.")
    return stage


def _consent(cells: Cells, occurred_at: datetime | None) -> CapturedConsent | None:
    """A single word is kept with the name of its column: that is all the file says about what was agreed to."""
    text = cells.text("consent")
    answer = is_consent(text) if text else False
    given_at = cells.moment("consent_at") or occurred_at
    if answer is False:
        return None
    if answer is None:
        raise RowRefused("consent", f"{text[:40]!r} is neither yes nor no, nor the words that somebody agreed to.")
    if given_at is None:
        raise RowRefused("consent_at", "The row says that consent was given, but not when.")
    return CapturedConsent(text=text if " " in text else f"{cells.plan.columns['consent']}: {text}", given_at=given_at)


def _unsubscribed(cells: Cells) -> bool | None:
    text = cells.text("unsubscribed")
    if not text:
        return None
    answer = has_opted_out(text)
    if answer is None:
        raise RowRefused("unsubscribed", f"{text[:40]!r} is neither yes nor no.")
    return answer


def _deal(cells: Cells) -> DealRecord:
    lead_external_id, lead_email = cells.text("lead_external_id"), cells.email("lead_email")
    # A file without ids of its own has one deal per lead, as far as anybody can tell.
    external_id = cells.text("external_id") or (_deal_of(lead_external_id) if lead_external_id else "")
    if not external_id:
        raise RowRefused("external_id", "The row has no external id.")
    opened_at, closed_at = cells.moment("opened_at"), cells.moment("closed_at", may_come=True)
    amount_cents, currency, note = cells.money()
    attributes = cells.others()
    if note:
        attributes[cells.plan.columns["amount"]] = cells.text("amount")
    # The words of the file stay with the deal, also those that find nobody.
    for name in ("segment", "lead_type", "product", "owner"):
        if text := cells.text(name):
            attributes[cells.plan.columns[name]] = text
    if "@" in cells.text("owner"):
        cells.email("owner")
    return DealRecord(
        external_id=external_id,
        lead_external_id=lead_external_id,
        lead_email=lead_email,
        name=cells.text("name"),
        stage=cells.word("stage", cells.plan.stages) or cells.plan.status,
        opened_at=opened_at,
        closed_at=closed_at,
        stage_since=cells.moment("stage_since"),
        amount_cents=amount_cents,
        currency=currency,
        lost_reason=cells.text("lost_reason"),
        owner=cells.word("owner", cells.plan.owners),
        account=cells.text("account"),
        account_domain=cells.domain("account_domain"),
        attributes=attributes,
        note=note,
    )


def _deal_of(lead_external_id: str) -> str:
    """The id of a lead's only deal, the same each time; where there is no room for all of it, it ends in a digest."""
    name = f"deal of {lead_external_id}"
    if len(name) <= _LONGEST_ID:
        return name
    digest = hashlib.sha256(lead_external_id.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_ID - len(digest) - 1]}-{digest}"


def _account(cells: Cells) -> AccountRecord:
    name, domain = cells.text("name"), cells.domain("domain")
    if not name and not domain:
        raise RowRefused("", "The row has neither a name nor a domain.")
    if domain and is_free_mail(domain):
        raise RowRefused("domain", f"{domain} gives mailboxes to anybody; it is no company's domain.")
    return AccountRecord(
        name=name,
        domain=domain,
        industry=cells.text("industry"),
        company_size=cells.count("company_size"),
        country=cells.country("country"),
        region=cells.text("region"),
        owner=cells.word("owner", cells.plan.owners),
        attributes=cells.others(),
    )


def _cost(cells: Cells) -> CostRecord:
    campaign = cells.text("campaign").lower()
    if not campaign:
        raise RowRefused("campaign", "The row names no campaign.")
    spent_at = cells.moment("spent_on")
    if spent_at is None:
        raise RowRefused("spent_on", "The row has no day.")
    amount_cents, currency, note = cells.money()
    if amount_cents is None:
        raise RowRefused("amount", "The row has no amount. Write 0 where nothing was spent.")
    if amount_cents < 0:
        raise RowRefused("amount", "A cost must not be negative.")
    return CostRecord(campaign, local_date(spent_at, cells.plan.tz), amount_cents, currency, note)


def _attendance(cells: Cells) -> AttendanceRecord:
    """Without a word of whether they came, those who stayed for some time did; where there is no time either, all."""
    email = cells.email("email")
    if not email:
        raise RowRefused("email", "The row has no email address.")
    minutes, joined_at = cells.minutes("minutes"), cells.moment("joined_at")
    text, is_asked = cells.text("attended"), "attended" in cells.plan.columns
    answer = has_come(text) if text else (bool(minutes or joined_at) if is_asked else True)
    if answer is None:
        raise RowRefused("attended", f"{text[:40]!r} does not say whether the person came. Write yes or no.")
    return AttendanceRecord(email, joined_at, minutes, answer and minutes != 0)


_PARSERS: Mapping[str, Callable[[Cells], Record]] = {
    LEADS: _lead,
    OPPORTUNITIES: _deal,
    COSTS: _cost,
    ACCOUNTS: _account,
    ATTENDANCE: _attendance,
}
