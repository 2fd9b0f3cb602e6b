"""Who is there already: before a lead is made, those with its e-mail address are looked up and one found is adopted.

A person stands there as a lead or as a contact. One who carries no key of ours yet is theirs alone; several are shown
to a person, who chooses.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..base import Candidate, Draft, Outcome, Rejected
from .records import Row
from .session import SalesforceSession
from .soql import KEY, Source, list_selects, text

DUPLICATE_CODE = "DUPLICATES_DETECTED"
AMBIGUOUS_CODE = "SEVERAL_FOUND"
MOST_SHOWN = 5
_NAMES = ("Id", KEY, "FirstName", "LastName", "Email")
LEADS = Source("Lead", (*_NAMES, "Company"), "IsConverted = false")
CONTACTS = Source("Contact", (*_NAMES, "Account.Name"))


def adopt(session: SalesforceSession, drafts: Sequence[Draft], settled: dict[str, Outcome]) -> dict[str, str]:
    """Ids to write to by key, for drafts that nobody there carries the key of but somebody has the e-mail address; one
    call for 200, two for 900. Where several have it the draft is settled: a person must choose. So is one that nobody
    has, if no record can be made of it."""
    adopted = _adopted(session, drafts, settled)
    settled |= {
        draft.key: draft.if_new
        for draft in drafts
        if draft.if_new and draft.key not in adopted and draft.key not in settled
    }
    return adopted


def _adopted(session: SalesforceSession, drafts: Sequence[Draft], settled: dict[str, Outcome]) -> dict[str, str]:
    by_mail = {_folded(draft.fields.get("Email")): draft for draft in drafts if draft.fields.get("Email")}
    if not by_mail:
        return {}
    mails = [text(str(draft.fields["Email"])) for draft in by_mail.values()]
    selects = [select for source in (LEADS, CONTACTS) for select in list_selects(source, "Email", mails)]
    found: dict[str, list[Row]] = {}
    for rows in session.all_rows(selects):
        for row in rows:
            found.setdefault(_folded(row.get("Email")), []).append(row)
    adopted: dict[str, str] = {}
    for mail, rows in found.items():
        draft = by_mail.get(mail)
        if draft is None:
            continue
        if ours := [str(row["Id"]) for row in rows if row.get(KEY) == draft.key]:
            # By our key it is found without us, unless nobody may be made by that key.
            adopted |= {draft.key: ours[0]} if draft.if_new else {}
            continue
        free = list({str(row["Id"]): row for row in rows if not row.get(KEY)}.values())
        if len(free) == 1:
            adopted[draft.key] = str(free[0]["Id"])
        elif free:
            message = f"{len(free)} records in Salesforce have the email address {draft.fields['Email']}."
            settled[draft.key] = Rejected(draft.key, AMBIGUOUS_CODE, message, "Email", _candidates(free))
    return adopted


def is_duplicate(outcome: Outcome | None) -> bool:
    """Whether a duplicate rule of the org refused it."""
    return isinstance(outcome, Rejected) and outcome.code == DUPLICATE_CODE


def look_alikes(
    session: SalesforceSession, drafts: Sequence[Draft], settled: Mapping[str, Outcome]
) -> dict[str, Outcome]:
    """Refusals by the org's duplicate rules, with those whom they may mean: of the same last name and company, or the
    same first and last name."""
    names = sorted({str(draft.fields["LastName"]) for draft in drafts if draft.fields.get("LastName")})
    names = [name for name in names if name.isprintable()]  # no query may hold others
    if not names:
        return {}
    literals = [text(name) for name in names]
    selects = [select for source in (LEADS, CONTACTS) for select in list_selects(source, "LastName", literals)]
    rows = [row for page in session.all_rows(selects) for row in page if not row.get(KEY)]
    told: dict[str, Outcome] = {}
    for draft in drafts:
        outcome = settled[draft.key]
        alike = [row for row in rows if _is_alike(draft.fields, row)]
        if isinstance(outcome, Rejected) and alike:
            message = f"{outcome.message} A duplicate rule of the org takes this lead for somebody there."
            told[draft.key] = Rejected(draft.key, outcome.code, message, outcome.field, _candidates(alike))
    return told


def _is_alike(fields: Mapping[str, Any], row: Row) -> bool:
    if _folded(fields.get("LastName")) != _folded(row.get("LastName")):
        return False
    company = row.get("Company") or (row.get("Account") or {}).get("Name")
    is_first = bool(fields.get("FirstName")) and _folded(fields.get("FirstName")) == _folded(row.get("FirstName"))
    return is_first or (bool(fields.get("Company")) and _folded(fields.get("Company")) == _folded(company))


def _candidates(rows: Iterable[Row]) -> tuple[Candidate, ...]:
    shown = []
    for row in list(rows)[:MOST_SHOWN]:
        name = " ".join(str(row[each]) for each in ("FirstName", "LastName") if row.get(each))
        company = row.get("Company") or (row.get("Account") or {}).get("Name") or ""
        words = ", ".join(each for each in (name, company, str(row.get("Email") or "")) if each)
        shown.append(Candidate(str(row["Id"]), f"{row['attributes']['type']}: {words}"[:200]))
    return tuple(shown)


def _folded(value: Any) -> str:
    return str(value or "").strip().casefold()
