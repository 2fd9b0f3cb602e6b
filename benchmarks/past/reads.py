"""What reading the past costs: figures and pages, live and as of before a tenth of the rows changed, in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import datetime
from typing import Any

from benchmarks.past.asking import FIGURES, asking, spent

TURNS = 5
CHANGES = (
    ("leads_touchpoint", "name = 'changed'"),
    ("leads_lead", "job_title = 'changed'"),
    ("leads_opportunity", "amount_cents = amount_cents + 1"),
    ("leads_opportunitycontact", "role = 'champion'"),
    ("leads_lifecyclepassage", "because = 'changed'"),
    ("leads_followup", "because = 'changed'"),
    ("leads_campaigncost", "amount_cents = amount_cents + 1"),
)


def reads() -> dict[str, Any]:
    """Figures with their rows' first page, pages of a lead and of a deal, and a span with nothing in it."""
    from django.db import connection, transaction

    from leads.past.settled import settled_now
    from leads.past.span import known_at

    at = settled_now()
    with connection.cursor() as cursor:
        for table, column in CHANGES:
            cursor.execute(f"UPDATE {table} SET {column} WHERE id % 10 = 0")
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")

    def in_past(work: Callable[[], Any]) -> Callable[[], Any]:
        def inside() -> None:
            with transaction.atomic(), known_at(at):
                work()

        return inside

    figures = {}
    for key in FIGURES:
        live, past = in_turns(asking(key), in_past(asking(key)))
        figures[key] = {"live": live, "past": past, "ratio": past / live}
    ratios = sorted(each["ratio"] for each in figures.values())
    span, _ = in_turns(in_past(lambda: None), lambda: None)
    found = {"figures": figures, "median": statistics.median(ratios), "worst": ratios[-1], "span": span}
    return {**found, "pages": _pages(at)}


def in_turns(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor time of two works, each the median of its turns."""
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for work, seconds in zip((first, second), times, strict=True):
            seconds.append(spent(work))
    return statistics.median(times[0]), statistics.median(times[1])


def _pages(at: datetime) -> dict[str, Any]:
    """Pages of a lead and a deal, with a period and a history, as somebody who sees everything."""
    from django.test import Client, override_settings

    from leads.forms.as_of import exact
    from leads.models import Opportunity
    from tests.leads import factories

    client = Client()
    client.force_login(factories.UserFactory(role="admin"))
    deal = Opportunity.objects.filter(pk__gt=1).order_by("pk")[10]
    lead = deal.contacts.all()[0].lead
    found = {}
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for name, path in (("a lead", f"/leads/{lead.public_id}"), ("a deal", f"/opportunities/{deal.public_id}")):
            live, past = in_turns(
                lambda path=path: _get(client, path, {}), lambda path=path: _get(client, path, {"as_of": exact(at)})
            )
            found[name] = {"live": live, "past": past, "more": past - live}
    return found


def _get(client: Any, path: str, query: dict[str, str]) -> None:
    answer = client.get(path, query)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answers {answer.status_code}: {answer.content[:400]!r}")
