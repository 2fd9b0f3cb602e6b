"""Whether attribution adds up on a company's data, in every filter.

`python -m benchmarks reconcile` imports the made-up funnel of the tests into a database of its own;
`… --leads FILE --deals FILE` a real one with the same columns; `… --here` looks at the database that VAR_DIR and
DATABASE_URL name, the demo's for instance, and writes nothing there. Every method × scope × date basis × channel ×
campaign × territory × period is asked of the page's own code, and compared with sums made row by row in Python.
Exits with 1 when one cent is missing anywhere.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from leads.pure.week import Period

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = (ROOT / "tests/data/funnel_leads.csv", ROOT / "tests/data/funnel_deals.csv")
CAMPAIGNS = 3
"""Campaigns that are crossed with all other filters: those with the most credit. Others are asked for alone."""
FIGURES_EVERY = 10
"""Of so many tables one is also compared with the figures that its numbers open, under one method after another."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Deal:
    """A won deal as its row says; ``cents`` is None where no sum can hold it."""

    key: int
    cents: int | None
    closed_at: datetime
    territory: int | None


@dataclass(slots=True)
class Found:
    """What was compared, and what did not add up: ``off`` names the first few, ``wrong`` counts all."""

    deals: int = 0
    credits: int = 0
    methods: int = 0
    scopes: int = 0
    deal_sums: int = 0
    tables: int = 0
    totals: int = 0
    figures: int = 0
    seconds: float = 0.0
    wrong: int = 0
    off: list[str] = field(default_factory=list)

    def compare(self, ours: object, rows: object, *what: object) -> None:
        """Note a difference between what the product says and what the rows say."""
        if ours != rows:
            self.wrong += 1
            if len(self.off) < SHOWN:
                self.off.append(f"{' · '.join(map(str, what))}: {ours}, by rows {rows}")


# --- a funnel becomes a company --------------------------------------------------------------------------------------


def make_company(leads: Path, deals: Path, *, at: datetime) -> None:
    """Import both files by the real command and compute credits of every method and scope.

    Such files tell few amounts. A deal without one gets an odd number of cents made from its id, but for every
    tenth, which stays unknown. Landing pages stand for campaigns and kinds of leads for territories, so that these
    filters have something to leave out.
    """
    from django.core.management import call_command

    from attribution.actions.fit_methods import fit_methods
    from attribution.actions.runs.run_attribution import run_attribution
    from attribution.actions.save_custom_method import save_custom_method
    from attribution.models import AttributionRules, CustomMethod, JourneyScope
    from leads.models import Company

    Company.objects.filter(pk=1).update(time_zone="America/Sao_Paulo", currency="BRL")
    AttributionRules.objects.filter(pk=1).update(kept_scopes=JourneyScope.values)
    with tempfile.TemporaryDirectory() as folder:
        priced = Path(folder, "deals.csv")
        rows = _read(deals)
        _write_priced(rows, priced)
        with Path(os.devnull).open("w") as silence:
            options = ["--set", "stage=mql", "--column", "campaign=landing_page_id"]
            call_command("import_csv", "leads", str(leads), *options, stdout=silence)
            options = ["--set", "status=won", "--column", "amount=amount"]
            call_command("import_csv", "opportunities", str(priced), *options, stdout=silence)
    _set_territories(rows)
    ends = {"first_touch": 45, "closing": 35, "others": 20}
    save_custom_method(method=CustomMethod(slug="ends", name="Ends", excludes_self_initiated=True, **ends), at=at)
    fit_methods(at=at, reason="reconciliation")
    run_attribution(at=at, reason="reconciliation", kind="full")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def amount_of(row: dict[str, str]) -> int | None:
    """Cents of a deal of the file: what was declared, else made up."""
    if declared := round(float(row["declared_monthly_revenue"] or 0) * 100):
        return declared
    chance = int(hashlib.sha256(row["seller_id"].encode()).hexdigest()[:12], 16)
    return None if chance % 10 == 0 else chance % 4_999_999 + 1


def _write_priced(rows: Sequence[dict[str, str]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "amount"])
        writer.writeheader()
        for row in rows:
            cents = amount_of(row)
            writer.writerow({**row, "amount": "" if cents is None else f"{cents // 100}.{cents % 100:02}"})


def _set_territories(rows: Iterable[dict[str, str]]) -> None:
    from leads.models import Opportunity, Territory

    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_kind[row["lead_type"]].append(row["seller_id"])
    for kind, sellers in sorted(by_kind.items()):
        found = Territory.objects.create(name=f"Leads of kind {kind}") if kind else None
        Opportunity.objects.filter(external_id__in=sellers).update(territory=found)


def file_differs(deals: Path) -> list[str]:
    """What the imported deals say otherwise than the file: amounts and moments of winning."""
    from leads.models import Company, Opportunity

    tz = Company.current().tz
    said = {
        row["seller_id"]: (amount_of(row), datetime.fromisoformat(row["won_date"]).replace(tzinfo=tz).astimezone(UTC))
        for row in _read(deals)
    }
    kept = {
        key: (cents, closed)
        for key, cents, closed in Opportunity.objects.values_list("external_id", "reporting_cents", "closed_at")
    }
    return [
        f"deal {key}: {kept.get(key)}, in the file {said.get(key)}"
        for key in [*said, *(set(kept) - {*said})]
        if said.get(key) != kept.get(key)
    ]


# --- the sweep -------------------------------------------------------------------------------------------------------


def sweep(*, at: datetime, tables: int | None = None, campaigns: int = CAMPAIGNS, seed: int = 1) -> Found:
    """Compare everything, or so many tables drawn by chance."""
    return _Sweep(at, campaigns).run(tables, random.Random(seed))


@dataclass(frozen=True, slots=True)
class _Asked:
    """One combination of filters, in the words of a scope."""

    scope: str
    basis: Any
    channel: str
    campaign: str
    territory: int | None
    period: str


class _Sweep:
    """The rows read once, and every combination compared with them."""

    def __init__(self, at: datetime, campaigns: int) -> None:
        from attribution.models import AttributionRules, Credit
        from attribution.queries.rules import methods
        from leads.models import Campaign, Channel, Company, Opportunity

        self.at, self.company = at, Company.current()
        self.methods = [method.key for method in methods()]
        self.scopes = AttributionRules.objects.get(pk=1).scopes
        self.amounts = dict(Opportunity.objects.values_list("pk", "reporting_cents"))
        columns = ("pk", "reporting_cents", "closed_at", "territory")
        won = Opportunity.objects.filter(status="won", closed_at__isnull=False).values_list(*columns)
        self.deals = {row[0]: Deal(*row) for row in won if row[2] <= at}
        self.parents: dict[str, dict[str, str | None]] = {
            "channel": dict(Channel.objects.values_list("key", "parent__key")),
            "campaign": {str(one): two and str(two) for one, two in
                         Campaign.objects.values_list("public_id", "parent__public_id")},
        }  # fmt: skip
        fields = ("scope", "method", "opportunity", "channel__key", "campaign__public_id", "touched_at", "touchpoint")
        self.credits = list(Credit.objects.values_list(*fields, "cents"))
        self.periods = dict(periods(sorted(deal.closed_at for deal in self.deals.values()), self.company.tz))
        self.most = self._most(campaigns)
        self.cells = self._cells()
        self.found = Found(
            deals=len(self.deals), credits=len(self.credits), methods=len(self.methods), scopes=len(self.scopes)
        )

    def run(self, tables: int | None, chance: random.Random) -> Found:
        began = time.perf_counter()
        self._compare_deals()
        asked = self._combinations()
        if tables is not None and tables < len(asked):
            asked = chance.sample(asked, tables)
        for place, one in enumerate(asked):
            turn, rest = divmod(place, FIGURES_EVERY)
            self._compare(one, self.methods[turn % len(self.methods)], opens_figures=rest == 0)
            if sys.stderr.isatty() and place % 500 == 0:
                print(f"\r{place:,} of {len(asked):,} tables", end="", file=sys.stderr)
        self.found.seconds = round(time.perf_counter() - began, 1)
        return self.found

    def _compare_deals(self) -> None:
        """Each deal's credits are its amount, under every method and scope."""
        sums: Counter[tuple[int, str, str]] = Counter()
        for scope, method, deal, _, _, _, _, cents in self.credits:
            sums[deal, method, scope] += cents
        for deal, method, scope in product(self.amounts, self.methods, self.scopes):
            if self.amounts[deal] is not None and (deal in self.deals or (deal, method, scope) in sums):
                self.found.deal_sums += 1
                self.found.compare(sums[deal, method, scope], self.amounts[deal], "deal", deal, method, scope)

    def _combinations(self) -> list[_Asked]:
        channels = ["", *self.parents["channel"]]
        territories = [None, *sorted({deal.territory for deal in self.deals.values() if deal.territory is not None})]
        shared = (self.scopes, ("simple", "realised"))
        crossed = product(*shared, channels, self.most, territories, self.periods)
        alone = product(*shared, [""], set(self.parents["campaign"]) - {*self.most}, [None], ["all"])
        return [_Asked(*one) for one in (*crossed, *alone)]

    def _compare(self, asked: _Asked, method: str, *, opens_figures: bool) -> None:
        from attribution.figures.campaign_table import campaign_table
        from leads.figures.base import Scope, figure

        scope = Scope(
            period=self.periods[asked.period], at=self.at, tz=self.company.tz, currency=self.company.currency,
            channel=asked.channel, campaign=asked.campaign, territory=asked.territory, method=method,
            basis=asked.basis, journey_scope=asked.scope,
        )  # fmt: skip
        table, won, earned = campaign_table(scope, self.methods), self._won(asked), self._earned(asked)
        self.found.tables += 1
        for key in self.methods:
            self.found.totals += 1
            self.found.compare(table.total[key], won, asked, key, "total")
            self.found.compare(table.whole.revenue[key], earned[key], asked, key, "attributed")
        if not opens_figures:
            return
        names = ("revenue", "unattributed", "elsewhere")
        parts = [figure(f"attribution.{name}", scope).value or 0 for name in names]
        self.found.figures += 1
        self.found.compare(sum(parts), won, asked, method, "figures")
        self.found.compare(parts[0], earned[method], asked, method, "figure")

    # --- by rows ---

    def _won(self, asked: _Asked) -> int:
        period = self.periods[asked.period]
        return sum(
            deal.cents or 0
            for deal in self.deals.values()
            if asked.territory in (None, deal.territory) and period.start <= deal.closed_at < period.end
        )

    def _earned(self, asked: _Asked) -> Counter[str]:
        earned: Counter[str] = Counter()
        dates = 0 if asked.basis == "simple" else 1
        channels = self._below("channel", asked.channel)
        campaigns = {""} if asked.campaign == "none" else self._below("campaign", asked.campaign)
        for (channel, campaign, territory, *within), cents in self.cells[asked.scope].items():
            if asked.territory not in (None, territory) or asked.period not in within[dates]:
                continue
            if (not asked.channel or channel in channels) and (not asked.campaign or campaign in campaigns):
                earned.update(cents)
        return earned

    def _below(self, kind: str, top: str) -> set[str]:
        parents, below = self.parents[kind], {top}
        while more := {key for key, parent in parents.items() if parent in below} - below:
            below |= more
        return below

    def _cells(self) -> dict[str, dict[tuple[Any, ...], Counter[str]]]:
        """Scope → (channel, campaign, territory, periods of the close, periods of the touch) → cents by method."""
        found: dict[str, dict[tuple[Any, ...], Counter[str]]] = {scope: defaultdict(Counter) for scope in self.scopes}
        for scope, method, key, channel, campaign, touched_at, touchpoint, cents in self.credits:
            deal = self.deals.get(key)
            if deal is None or deal.cents is None or touchpoint is None or scope not in found:
                continue
            place = (channel, str(campaign or ""), deal.territory, self._in(deal.closed_at), self._in(touched_at))
            found[scope][place][method] += cents
        return found

    def _in(self, at: datetime) -> frozenset[str]:
        return frozenset(name for name, period in self.periods.items() if period.start <= at < period.end)

    def _most(self, count: int) -> list[str]:
        """No campaign named, none at all, those with the most credit, and what they are part of."""
        sums: Counter[str] = Counter()
        for _, _, _, _, campaign, _, _, cents in self.credits:
            if campaign:
                sums[str(campaign)] += cents
        best = [key for key, _ in sums.most_common(count)]
        programmes = {self.parents["campaign"].get(key) for key in best} - {None}
        return ["", "none", *best, *sorted(map(str, programmes))]


def periods(moments: Sequence[datetime], tz: ZoneInfo) -> Iterator[tuple[str, Period]]:
    """Six periods over the ascending moments at which deals were won: all, halves, a month, a week, one of none."""
    from leads.pure.week import Period, Week, month_bounds

    first, middle, last = (moments[place].astimezone(tz).date() for place in (0, len(moments) // 2, -1))
    day = timedelta(days=1)
    # Touches come before the close: under the date basis of touches "all" has to begin long before.
    yield "all", Period.of_dates(first - 3_000 * day, last, tz)
    yield "until the middle", Period.of_dates(first, middle - day, tz)
    yield "from the middle", Period.of_dates(middle, last, tz)
    start, end = month_bounds(middle)
    yield "a month", Period.of_dates(start, end - day, tz)
    yield "a week", Week.of_date(middle).period(tz)
    yield "none", Period.of_dates(first - 40 * day, first - 30 * day, tz)


# --- the command -----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Prepare, sweep, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reconcile", description=__doc__)
    parser.add_argument("--leads", type=Path, default=SAMPLE[0])
    parser.add_argument("--deals", type=Path, default=SAMPLE[1])
    parser.add_argument("--here", action="store_true", help="the database there is, as it is")
    parser.add_argument("--tables", type=int, help="so many tables, drawn by chance; all without it")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS, help="crossed with every other filter")
    parser.add_argument("--out", type=Path, help="write what was found as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        _start(None if options.here else Path(folder))
        at = datetime.now(UTC)
        off = []
        if not options.here:
            make_company(options.leads, options.deals, at=at)
            off = file_differs(options.deals)
        found = sweep(at=at, tables=options.tables, campaigns=options.campaigns)
    found.wrong += len(off)
    found.off += off[:SHOWN]
    print(json.dumps(asdict(found), indent=1))
    if options.out:
        options.out.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    return 1 if found.wrong or not found.totals else 0


def _start(folder: Path | None) -> None:
    """Django with the database there is, or with an empty one of our own in the folder."""
    if folder:
        os.environ.update(VAR_DIR=str(folder), DATABASE_URL=f"sqlite:///{folder / 'reconcile.sqlite3'}")
        os.environ["SECRET_KEY"] = "of a database that lives for a minute"
    else:
        there = Path(os.environ.setdefault("VAR_DIR", str(ROOT / "var")), "secret_key")
        os.environ.setdefault("SECRET_KEY", there.read_text().strip() if there.exists() else "")
    os.environ.setdefault("PORTAL_MODE", "demo")
    os.environ.update(LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    if folder:
        call_command("migrate", verbosity=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
