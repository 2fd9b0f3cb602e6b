"""Amounts in the company currency, at the rate of their date."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from leads.models import Company, ExchangeRate, Opportunity
from leads.pure.money import currency_decimals
from leads.pure.week import local_date


def deal_day(deal: Opportunity, tz: ZoneInfo) -> date:
    """The day whose rate prices a deal: that of its close, or of its opening while it is open."""
    return local_date(deal.closed_at or deal.opened_at, tz)


@dataclass(frozen=True, slots=True)
class Rates:
    """All dated rates, for pricing many amounts with one query. ``dated`` holds (valid from, rate) in order."""

    currency: str
    dated: dict[str, list[tuple[date, Decimal]]]

    @classmethod
    def current(cls) -> Rates:
        """The rates on file, in the company currency."""
        dated: dict[str, list[tuple[date, Decimal]]] = {}
        for currency, since, rate in ExchangeRate.objects.order_by("valid_from").values_list(
            "currency", "valid_from", "rate"
        ):
            dated.setdefault(currency, []).append((since, rate))
        return cls(Company.current().currency, dated)

    def reporting_cents(self, *, amount_cents: int | None, currency: str, on: date) -> int | None:
        """Minor units of the company currency, rounded half to even; None without an amount or a rate of that date."""
        if amount_cents is None or currency == self.currency:
            return amount_cents
        rates = self.dated.get(currency, [])
        position = bisect_right(rates, on, key=lambda entry: entry[0])
        if not position:
            return None
        shift = currency_decimals(self.currency) - currency_decimals(currency)
        amount = (Decimal(amount_cents) * rates[position - 1][1]).scaleb(shift)
        return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
