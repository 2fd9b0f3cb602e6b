"""The kit for pages: filters that word values, tags that draw the fragments of `templates/_ui`. See docs/ui.md.

Registered as a template builtin, so pages need no `{% load %}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.core.cache import caches
from django.core.paginator import Page
from django.template.context import Context
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from leads.pure import words
from leads.pure.charts import Chart

register = template.Library()

_SHOWN = 25
_IN_PANEL = 'data-panel hx-get="{}" hx-target="#panel-body" hx-swap="innerHTML"'
_TONES = {"good", "bad", "warn", "accent"}
_NOTICE_ICONS = {
    "success": "check-circle",
    "warning": "exclamation-triangle",
    "error": "x-circle",
    "danger": "x-circle",
}


# --- filters: values in words ------------------------------------------------------------------------------------


for word in (words.money, words.money_short, words.money_exact, words.share, words.signed, words.days, words.count):
    register.filter(word)
register.filter(words.week_label)


@register.filter
def initials(user: Any) -> str:
    """Up to two letters for an avatar, from the name or else the e-mail address."""
    name = user.get_full_name() or user.email
    return "".join(word[0] for word in name.replace("@", " ").replace(".", " ").split()[:2]).upper()


@register.filter
def dialed(phone: str) -> str:
    """A telephone number for a ``tel:`` link: digits, and the plus in front. "+49 (30) 12-34" → "+49301234"."""
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdigit())
    return f"+{digits}" if phone.strip().startswith("+") else digits


@register.filter
def notice_icon(level: str) -> str:
    """The icon of a message level."""
    return _NOTICE_ICONS.get(level, "info-circle")


# --- tags: small things ------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString | str:
    """An icon of the vendored sprite; decorative unless a label is given. An empty name draws nothing."""
    if not name:
        return ""
    href = f"{static('vendor/icons/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', href)


@register.simple_tag(takes_context=True)
def block_text(context: Context, name: str) -> str:
    """The words of another block, so that `title` is written once and also names the window."""
    blocks: Any = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    if block is None:
        return ""
    # The block has escaped its values already; strip_tags keeps entities as they are.
    return mark_safe(" ".join(strip_tags(block.render(context)).split()))  # noqa: S308


@register.simple_tag(takes_context=True)
def local_time(context: Context, at: datetime | None, form: str = "full") -> SafeString | str:
    """A moment in the company's time zone: "16 Nov 2026, 06:10 CET"; "date" and "time" give one half."""
    if at is None:
        return words.MISSING
    there = at.astimezone(_zone(context))
    day = f"{there.day} {there:%b %Y}"
    said = {"date": day, "time": f"{there:%H:%M %Z}"}.get(form, f"{day}, {there:%H:%M %Z}")
    return format_html('<time datetime="{}">{}</time>', at.astimezone(UTC).isoformat(timespec="seconds"), said)


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: Any) -> str:
    """The page's own query string with some parameters set, or with None removed: `{% query_with page=2 %}`."""
    return _query(context, changes)


@register.simple_tag
def panel_attributes(url: str) -> SafeString:
    """What makes a plain link open in the side panel: `<a href="…" {% panel_attributes url %}>`."""
    return format_html(_IN_PANEL, url)


@register.simple_tag
def figure_link(figure: Any, url: str = "") -> SafeString | str:
    """A number that opens its drill-down. Takes a figure (`text`, `url`) or a text and a URL."""
    text = getattr(figure, "text", figure)
    href = url or getattr(figure, "url", "")
    shown = conditional_escape(text)
    if not href:
        return shown
    # Escaped once and put together by hand: a page has thousands of them.
    to = conditional_escape(href)
    link = f'<a class="figure-link" href="{to}" {_IN_PANEL.format(to)}>{shown}</a>'
    return mark_safe(link)  # noqa: S308  # both parts are escaped


@register.simple_tag
def pill(text: str, tone: str = "", icon_name: str = "") -> SafeString:
    """A small rounded label. Tones: good, bad, warn, accent; anything else is grey."""
    css = f"pill pill-{tone}" if tone in _TONES else "pill"
    return format_html('<span class="{}">{}{}</span>', css, icon(icon_name), text)


@register.simple_tag
def chart(value: Chart, caption: str = "Figures as a table") -> SafeString:
    """A chart in its wide and narrow form, and its figures as a table below."""
    return render_to_string("_ui/chart.html", {"chart": value, "caption": caption})


@register.filter
def svg(value: Chart | None) -> SafeString | str:
    """Only the drawing of a chart, for tiles and table cells."""
    return mark_safe(value.svg) if value else ""  # noqa: S308


# --- tags: fragments -----------------------------------------------------------------------------------------------


@register.inclusion_tag("_ui/tile.html")
def tile(
    name: str,
    value: Any,
    *,
    id: str = "",
    url: str = "",
    delta: str = "",
    direction: str = "",
    tone: str = "",
    delta_note: str = "",
    note: str = "",
    notes: Sequence[str] = (),
    target: str = "",
    spark: Chart | None = None,
) -> dict[str, Any]:
    """A key figure, with how it changed, remarks below, a target and a small drawing where they are given."""
    return {
        "name": name,
        "value": value,
        "id": id,
        "url": url,
        "delta": delta,
        "direction": direction,
        "tone": tone,
        "delta_note": delta_note,
        "notes": [*([note] if note else []), *(notes or ())],
        "target": target,
        "spark": spark,
    }


@register.inclusion_tag("_ui/delta.html")
def delta(text: str, direction: str = "", tone: str = "", note: str = "") -> dict[str, Any]:
    """A change: arrow by direction (up, down, flat), color by tone (good, bad, flat), and the tone in words."""
    tone = tone if tone in {"good", "bad"} else "flat"
    return {"text": text, "direction": direction, "tone": tone, "note": note}


@register.inclusion_tag("_ui/empty.html")
def empty_state(title: str, why: str, *, icon: str = "search", action: str = "", url: str = "") -> dict[str, Any]:
    """Nothing to show: why, and what to do."""
    return {"icon_name": icon, "title": title, "why": why, "action": action, "url": url}


@register.inclusion_tag("_ui/progress.html")
def progress(
    label: str,
    done: int,
    total: int | None,
    *,
    id: str = "progress",
    url: str = "",
    is_done: bool = False,
    is_failed: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """Long work; ``url`` is polled each second until it is done.

    What is not done says so when the queue that wakes its workers is away.
    """
    is_done = is_done or is_failed
    return {
        "id": id,
        "url": url,
        "note": note,
        "is_failed": is_failed,
        "is_queue_away": not is_done and _is_queue_away(),
        "label": label,
        "done": done,
        "total": total,
        "percent": min(100, done * 100 // total) if total else None,
        "is_done": is_done,
    }


def _is_queue_away() -> bool:
    """The queue stands on the server of the shared cache, which knows whether it answers (config.cache)."""
    asked = getattr(caches["default"], "is_away", None)
    return asked is not None and bool(asked())


@register.inclusion_tag("_ui/ring.html")
def ring(done: int, total: int, label: str = "done") -> dict[str, Any]:
    """How much of a checklist is done, as a ring with the words beside it."""
    percent = round(done * 100 / total) if total else 0
    return {"done": done, "total": total, "percent": percent, "label": label}


@register.inclusion_tag("_ui/timeline.html", takes_context=True)
def timeline(context: Context, entries: Sequence[Mapping[str, Any] | object]) -> dict[str, Any]:
    """What happened, newest or oldest first as given; all but the first 25 are folded away.

    Entries: at, title; optional icon, tone, body, url, detail.
    """
    return {"entries": entries[:_SHOWN], "earlier": entries[_SHOWN:], "company": context.get("company")}


@register.inclusion_tag("_ui/facts.html")
def facts(rows: Sequence[tuple[str, Any]], is_stacked: bool = False) -> dict[str, Any]:
    """A definition list from (term, value) pairs; stacked puts each value under its term, side by side."""
    return {"rows": rows, "is_stacked": is_stacked}


@register.inclusion_tag("_ui/breadcrumb.html")
def breadcrumb(*parts: str) -> dict[str, Any]:
    """The way here: `{% breadcrumb "Leads" leads_url "Ada" ada_url %}`, without the page itself."""
    return {"trail": list(zip(parts[::2], parts[1::2], strict=True))}


@register.inclusion_tag("_ui/sort_header.html", takes_context=True)
def sort_header(context: Context, label: str, key: str, css: str = "", param: str = "sort") -> dict[str, Any]:
    """A `<th>` that sorts by `key`, then by `-key`; numbers pass css="num"."""
    current = _request_query(context).get(param, "")
    state = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    query = _query(context, {param: f"-{key}" if current == key else key, "page": None})
    return {"label": label, "css": css, "state": state, "query": query, "key": key, "param": param}


@register.inclusion_tag("_ui/pager.html", takes_context=True)
def pager(context: Context, page: Page[Any], noun: str = "rows", param: str = "page") -> dict[str, Any]:
    """Where we are in a list, and links that keep the filters."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    links = [
        {"text": n, "query": "" if isinstance(n, str) else _query(context, {param: n}), "is_current": n == page.number}
        for n in numbers
    ]
    return {"page": page, "links": links, "noun": noun}


@register.inclusion_tag("_ui/export_menu.html", takes_context=True)
def export_menu(context: Context, *formats: str, param: str = "export") -> dict[str, Any]:
    """Downloads of what the page shows: the page's own URL and filters with `export=csv` and so on."""
    icons = {"pdf": "file-earmark-pdf", "csv": "table", "xlsx": "table"}
    items = [
        {
            "text": name.upper(),
            "icon": icons.get(name, "download"),
            "query": _query(context, {param: name, "page": None}),
        }
        for name in formats
    ]
    return {"items": items}


@register.inclusion_tag("_ui/filter_bar.html", takes_context=True)
def filter_bar(context: Context, form: Any) -> dict[str, Any]:
    """A GET form of filters, folded away on a phone. It applies on Enter, on Apply, or when the focus leaves it."""
    query = _request_query(context)
    takes_as_of = bool(context.get("takes_as_of"))
    context["request"].has_as_of = takes_as_of
    names = {*form.fields, *(["as_of"] if takes_as_of else [])}
    kept = [(key, value) for key in query if key not in names and key != "page" for value in query.getlist(key)]
    is_used = any(query.get(name) for name in names)
    return {
        "form": form,
        "kept": kept,
        "is_used": is_used,
        "path": context["request"].path,
        "takes_as_of": takes_as_of,
        "moment": query.get("as_of", ""),
    }


@register.inclusion_tag("_ui/as_of_field.html")
def as_of_field(moment: str, id: str = "id_as_of") -> dict[str, Any]:
    """The control that picks a moment: days by a calendar, an exact moment as its text."""
    return {"id": id, "value": moment, "is_day": not moment or len(moment) == 10}


@register.inclusion_tag("_ui/as_of_form.html", takes_context=True)
def as_of_form(context: Context) -> dict[str, Any]:
    """The same as a form of its own that keeps every other parameter, for pages without filters."""
    request, query = context["request"], _request_query(context)
    kept = [(key, value) for key in query if key not in ("as_of", "page") for value in query.getlist(key)]
    is_shown = bool(context.get("takes_as_of")) and not getattr(request, "has_as_of", False)
    return {"is_shown": is_shown, "kept": kept, "path": request.path, "moment": query.get("as_of", "")}


# --- inside --------------------------------------------------------------------------------------------------------


def _zone(context: Context) -> Any:
    company = context.get("company")
    zone = getattr(company, "time_zone", None) or (company.get("time_zone") if isinstance(company, dict) else None)
    if not zone:
        return timezone.get_current_timezone()
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def _request_query(context: Context) -> Any:
    return context["request"].GET


def _query(context: Context, changes: Mapping[str, Any]) -> str:
    query = _request_query(context).copy()
    for key, value in changes.items():
        query.pop(key, None)
        if value is not None:
            query[key] = str(value)
    return "?" + urlencode(list(query.lists()), doseq=True)
