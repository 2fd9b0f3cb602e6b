"""The markup of the pages. Every value from outside passes `e()` on its way in."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .dialects import dialects

Row = Mapping[str, Any]
LABELS = {
    "email": "Email", "company": "Company", "job_title": "Job title", "phone": "Phone", "country": "Country",
    "region": "Region", "postal_code": "Postal code", "industry": "Industry", "company_size": "Employees",
    "external_id": "External id",
}  # fmt: skip


def e(value: object) -> str:
    """Text safe in content and in quoted attributes; None is empty."""
    return "" if value is None else escape(str(value))


def document(title: str, body: str, *, nav: bool = True) -> str:
    """A whole page."""
    vendors = "".join(f'<a href="{each.prefix}/ui">{e(each.name)}</a>' for each in dialects().values())
    links = f'<nav aria-label="Main"><a href="/">People</a><a href="/deals">Deals</a>{vendors}</nav>' if nav else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{e(title)} · Sandbox CRM</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">'
        f'</head><body><header><a class="brand" href="/">Sandbox CRM</a>{links}</header>'
        f"<main><h1>{e(title)}</h1>{body}</main></body></html>"
    )


def login(error: str = "") -> str:
    """The sign-in form."""
    alert = f'<p class="alert" role="alert">{e(error)}</p>' if error else ""
    return (
        f'{alert}<form class="card narrow" method="post" action="/login"><label for="token">Access token</label>'
        '<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>'
        '<p class="hint">The same token that the API takes.</p><button>Sign in</button></form>'
    )


def message(text: str, back: str = "/") -> str:
    """A sentence and the way back."""
    return f'<p class="alert" role="alert">{e(text)}</p><p><a href="{e(back)}">Go back</a></p>'


def name_of(person: Row) -> str:
    """What to call a person: name, else e-mail, else the id."""
    full = f"{person['first_name']} {person['last_name']}".strip()
    return full or person["email"] or person["external_id"] or person["id"]


def people(rows: list[Row] | list[dict[str, Any]], text: str, most: int) -> str:
    """Search box and list."""
    form = (
        '<form class="search" role="search" action="/"><label class="sr" for="q">Search people</label>'
        f'<input id="q" name="q" type="search" value="{e(text)}" placeholder="Name, email, company or id">'
        "<button>Search</button></form>"
    )
    lines = (
        f'<li><a href="/people/{e(row["id"])}"><strong>{e(name_of(row))}</strong>'
        f"<span>{e(row['company'] or '—')}</span><span>{e(row['email'])}</span></a></li>"
        for row in rows
    )
    if not rows:
        return f'{form}<p class="hint">Nobody found.</p>'
    note = f'<p class="hint">The {most} last changed; search to narrow down.</p>' if len(rows) == most else ""
    return f'{form}<ul class="list">{"".join(lines)}</ul>{note}'


def person(row: Row, deals_of: Iterable[Row], stages: Iterable[Row], owners: Iterable[Row], form_token: str) -> str:
    """One person: facts, deals, and the form for a new deal."""
    owner = next((each["name"] for each in owners if each["id"] == row["owner_id"]), "")
    pairs = [(label, row[name]) for name, label in LABELS.items()] + [("Owner", owner)]
    pairs += [(name.replace("_", " ").capitalize(), value) for name, value in row["properties"].items()]
    facts = "".join(f"<dt>{e(label)}</dt><dd>{e(value)}</dd>" for label, value in pairs if value not in ("", None))
    options = _options(stages, "")
    form = (
        f'<form class="card" method="post" action="/people/{e(row["id"])}/deals"><h2>New deal</h2>{_hidden(form_token)}'
        '<label for="name">Name</label>'
        f'<input id="name" name="name" required maxlength="200" value="{e(row["company"] or name_of(row))}">'
        f'<div class="pair"><div><label for="amount">Amount</label>{_amount("amount")}</div>'
        '<div><label for="currency">Currency</label><input id="currency" name="currency" value="EUR" required'
        ' pattern="[A-Za-z]{3}" maxlength="3"></div></div>'
        f'<label for="stage">Stage</label><select id="stage" name="stage">{options}</select>'
        "<button>Create deal</button></form>"
    )
    return f'<dl class="card facts">{facts}</dl><h2>Deals</h2>{_deal_list(deals_of, stages)}{form}'


def deals(rows: Iterable[Row], stages: Iterable[Row], status: str, further: str) -> str:
    """Deals of one status, with tabs."""
    tabs = "".join(
        f'<a href="/deals?status={key}"{" aria-current=page" if (status or "all") == key else ""}>{label}</a>'
        for key, label in (("open", "Open"), ("won", "Won"), ("lost", "Lost"), ("all", "All"))
    )
    more = f'<p><a href="{e(further)}">Next page</a></p>' if further else ""
    return f'<nav class="tabs" aria-label="Status">{tabs}</nav>{_deal_list(rows, stages)}{more}'


def deal(row: Row, history: Iterable[Row], stages: Iterable[Row], form_token: str) -> str:
    """One deal: facts, the forms that move or close it, its history."""
    stages = list(stages)
    names = {stage["key"]: stage["name"] for stage in stages}
    who = ", ".join(
        f'<a href="/people/{e(each["person_id"])}">{e(each["name"] or each["external_id"] or each["person_id"])}</a>'
        for each in row["contacts"]
    )
    facts = (
        f'<dl class="card facts"><dt>Stage</dt><dd><span class="badge {e(row["status"])}">{e(names[row["stage"]])}'
        f"</span></dd><dt>Amount</dt><dd>{e(money(row))}</dd><dt>Close date</dt><dd>{e(row['close_on'] or '—')}</dd>"
        f"<dt>Contacts</dt><dd>{who or '—'}</dd>"
        + (f"<dt>Lost because</dt><dd>{e(row['lost_reason'])}</dd>" if row["lost_reason"] else "")
        + "</dl>"
    )
    start = f'<form class="card" method="post" action="/deals/{e(row["id"])}">{_hidden(form_token)}'
    worth = e(row["amount"])
    forms = (
        f'<div class="columns">{start}<h2>Move</h2><label for="stage">Stage</label>'
        f'<select id="stage" name="stage">{_options(stages, row["stage"])}</select>'
        '<button name="verb" value="move">Move deal</button></form>'
        f'{start}<h2>Won</h2><label for="won-amount">Final amount ({e(row["currency"])})</label>'
        f'{_amount("won-amount", worth)}<button class="won" name="verb" value="won">Mark won</button></form>'
        f'{start}<h2>Lost</h2><label for="lost-amount">Amount ({e(row["currency"])})</label>'
        f'{_amount("lost-amount", worth)}<label for="lost-reason">Because</label>'
        '<input id="lost-reason" name="lost_reason" maxlength="300">'
        '<button class="lost" name="verb" value="lost">Mark lost</button></form></div>'
    )
    lines = "".join(
        f"<tr><td>{e(change['changed_at'][:16].replace('T', ' '))}</td>"
        f"<td>{e(names.get(change['from_stage'], '—'))} → {e(names[change['to_stage']])}</td>"
        f"<td>{e(money(change))}</td><td>{e(change['changed_by'])}</td></tr>"
        for change in history
    )
    return (
        f'{facts}{forms}<h2>History</h2><div class="scroll" tabindex="0" role="region" aria-label="History"><table>'
        "<thead><tr><th>When (UTC)</th><th>Stage</th><th>Amount</th><th>By</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def money(row: Row) -> str:
    """`12,500.00 EUR`, or a dash."""
    if row["amount"] is None:
        return "—"
    whole, cents = row["amount"].split(".")
    return f"{int(whole):,}.{cents} {row['currency']}"


def _deal_list(rows: Iterable[Row], stages: Iterable[Row]) -> str:
    names = {stage["key"]: stage["name"] for stage in stages}
    lines = "".join(
        f'<li><a href="/deals/{e(row["id"])}"><strong>{e(row["name"])}</strong><span>{e(money(row))}</span>'
        f'<span class="badge {e(row["status"])}">{e(names[row["stage"]])}</span></a></li>'
        for row in rows
    )
    return f'<ul class="list">{lines}</ul>' if lines else '<p class="hint">No deals here.</p>'


def _options(stages: Iterable[Row], chosen: str) -> str:
    return "".join(
        f'<option value="{e(stage["key"])}"{" selected" if stage["key"] == chosen else ""}>{e(stage["name"])}</option>'
        for stage in stages
    )


def _amount(key: str, value: str = "") -> str:
    return f'<input id="{key}" name="amount" inputmode="decimal" value="{value}" placeholder="12500.00">'


def _hidden(form_token: str) -> str:
    return f'<input type="hidden" name="form_token" value="{form_token}">'
