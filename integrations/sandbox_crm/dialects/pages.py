"""Pages below `/<dialect>/ui` where a person works a vendor's sandbox by hand: objects, records, a record's members.

Generic over the record store: a member's present value tells how to read what was typed for it.
"""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .. import html
from ..html import e
from ..messages import Answer, Request
from ..rules import Refused
from ..session import digest, is_signed_in, login, page, redirect
from .base import Dialect
from .shapes import Record

PER_PAGE = 50
VERBS = {"archive": "Archive", "delete": "Delete", "restore": "Restore"}


def is_page(path: str) -> bool:
    """Whether a path below a dialect's prefix is one of these pages."""
    return path == "/ui" or path.startswith("/ui/")


def answer(dialect: Dialect, token: str, request: Request) -> Answer:
    """Any page or form; `request.path` comes without the dialect's prefix."""
    if "token" in request.query:
        return login(token, replace(request, path=f"{dialect.prefix}{request.path}"))
    if not is_signed_in(token, request):
        return page("Sign in", html.login(), status=401 if request.method != "GET" else 200, nav=False)
    try:
        found = re.fullmatch(r"/ui(?:/(?P<kind>\w{1,60})(?:/(?P<id>[\w-]{1,60}))?)?", request.path, re.ASCII)
        if found is None or (found["kind"] and found["kind"] not in dialect.records.types):
            raise Refused("not_found", "There is no such page.", status=404)
        kind, record_id = found["kind"], found["id"]
        if request.method == "POST":
            return _post(dialect, token, request, kind, record_id)
        if record_id:
            return _record(dialect, dialect.records[kind, record_id], digest(token, "form"))
        return _list(dialect, kind, request) if kind else _objects(dialect)
    except Refused as refused:
        return page("Not possible", html.message(str(refused), f"{dialect.prefix}/ui"), status=refused.status)


def _objects(dialect: Dialect) -> Answer:
    lines = (
        f'<li><a href="{dialect.prefix}/ui/{e(each.name)}"><strong>{e(each.label)}</strong>'
        f"<span>{dialect.records.count(each.name)}</span></a></li>"
        for each in dialect.objects
        if each.is_shown
    )
    return page(dialect.name, f'<ul class="list">{"".join(lines)}</ul>')


def _list(dialect: Dialect, kind: str, request: Request) -> Answer:
    text = request.one("q").strip()[:100]
    after = int(request.one("after")) if re.fullmatch(r"[0-9]{1,12}", request.one("after"), re.ASCII) else 0
    rows = dialect.records.listing(kind, after=after, text=text, state="any", limit=PER_PAGE + 1)
    lines = (
        f'<li><a href="{dialect.prefix}/ui/{e(kind)}/{e(each.id)}"><strong>{e(_title(dialect, each))}</strong>'
        f"<span>{e(_state(each))}</span><span>{each.modified_at:%Y-%m-%d %H:%M:%S} UTC</span></a></li>"
        for each in rows[:PER_PAGE]
    )
    form = (
        f'<form class="search" role="search"><label class="sr" for="q">Search</label>'
        f'<input id="q" name="q" type="search" value="{e(text)}"><button>Search</button></form>'
    )
    further = f"?after={rows[PER_PAGE - 1].number}&q={e(text)}" if len(rows) > PER_PAGE else ""
    more = f'<p><a href="{further}">Next page</a></p>' if further else ""
    shown = f'<ul class="list">{"".join(lines)}</ul>' if rows else '<p class="hint">Nothing here.</p>'
    label = dialect.records.types[kind].label
    return page(f"{dialect.name}: {label}", form + shown + more)


def _record(dialect: Dialect, record: Record, form_token: str) -> Answer:
    hidden = f'<input type="hidden" name="form_token" value="{form_token}">'
    fields = "".join(_field(dialect, record, name) for name in record.members)
    buttons = "".join(
        f'<button name="verb" value="{verb}" formnovalidate>{label}</button> '
        for verb, label in VERBS.items()
        if (verb == "restore") is not record.is_live
    )
    facts = (
        f'<dl class="card facts"><dt>Id</dt><dd>{e(record.id)}</dd><dt>State</dt><dd>{e(_state(record) or "live")}</dd>'
        f"<dt>Changed</dt><dd>{record.modified_at:%Y-%m-%d %H:%M:%S} UTC</dd></dl>"
    )
    save = '<button name="verb" value="save">Save</button>'
    body = f'{facts}<form class="card" method="post">{hidden}{fields}{save}</form>'
    deal = (
        f'<form class="card" method="post">{hidden}<label for="d-name">Deal</label><input id="d-name" name="name" '
        'maxlength="120" required><label for="d-amount">Amount in EUR</label><input id="d-amount" name="amount" '
        'inputmode="decimal" required><button name="verb" value="deal">Make a deal with this person</button></form>'
    )
    offered = deal if record.object == dialect.people and record.is_live else ""
    return page(_title(dialect, record), f'{body}{offered}<form class="card" method="post">{hidden}{buttons}</form>')


def _field(dialect: Dialect, record: Record, name: str) -> str:
    value, key = record.members[name], e(f"m-{name}")
    label = f'<label for="{key}">{e(name)}</label>'
    if choices := dialect.choices(record.object, name):
        options = "".join(
            f'<option value="{e(each)}"{" selected" if each == str(value) else ""}>{e(shown)}</option>'
            for each, shown in choices
        )
        return f'{label}<select id="{key}" name="{key}">{options}</select>'
    return f'{label}<input id="{key}" name="{key}" value="{e(_typed(value))}">'


def _typed(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(text: str, present: Any) -> Any:
    if isinstance(present, str) or (present is None and text):
        return text
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("invalid_value", f"{text[:40]!a} is not what belongs there.", status=422) from None


def _post(dialect: Dialect, token: str, request: Request, kind: str, record_id: str) -> Answer:
    form = request.form()
    if not hmac.compare_digest(form.get("form_token", "").encode(), digest(token, "form").encode()):
        return page("Please try again", html.message("This form is out of date: go back and reload."), status=403)
    with dialect.records.write():
        record, verb = dialect.records[kind, record_id], form.get("verb", "")
        if verb == "save":
            members = _changed(record, form)
            dialect.records.change(kind, record_id, dialect.edited(record, members), by="by hand")
        elif verb == "deal" and kind == dialect.people:
            kind, record_id = _open_deal(dialect, record, form)
            return redirect(f"{dialect.prefix}/ui/{kind}/{record_id}")
        elif verb in VERBS:
            dialect.meanwhile({"verb": verb, "object": kind, "id": record_id})
        else:
            raise Refused("invalid_form", "The form names nothing to do.", "verb", 400)
    return redirect(f"{dialect.prefix}{request.path}")


def _open_deal(dialect: Dialect, person: Record, form: Mapping[str, str]) -> tuple[str, str]:
    name, text = form.get("name", "").strip()[:120], form.get("amount", "").strip().replace(",", ".")
    if not name or not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,2})?", text, re.ASCII):
        raise Refused("invalid_value", "A deal needs a name and an amount such as 1234.50.", "amount", 422)
    return dialect.open_deal(person, name=name, amount=Decimal(text))


def _changed(record: Record, form: Mapping[str, str]) -> dict[str, Any]:
    """The members whose text differs from what the form showed."""
    typed = {name.removeprefix("m-"): text for name, text in form.items() if name.startswith("m-")}
    return {
        name: _read(text, record.members[name])
        for name, text in typed.items()
        if name in record.members and text != _typed(record.members[name])
    }


def _title(dialect: Dialect, record: Record) -> str:
    named = (record.members.get(name) for name in dialect.records.types[record.object].title)
    return " ".join(str(each) for each in named if each) or record.id


def _state(record: Record) -> str:
    merged = f"merged into {record.merged_into}" if record.merged_into else ""
    return merged or ("deleted" if record.is_deleted else "archived" if record.is_archived else "")
