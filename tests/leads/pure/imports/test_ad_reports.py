"""Cost reports of advertising services are read as they are exported."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leads.pure.imports.ad_reports import AdReport, ReportRefused, read_ad_report

DAY = date(2026, 11, 16)
GOOGLE = """Campaign performance
"November 1, 2026 - November 30, 2026"
Day,Campaign,Currency code,Clicks,Cost
2026-11-16,Q4 Brand,EUR,10,"1,234.50"
2026-11-16,Q4 Generic,EUR,0,0.00
2026-11-17,Q4 Brand,EUR,3, --
Total: Campaigns, --,EUR,13,"1,234.50"
Total: Account, --,EUR,13,"1,234.50"
"""
GOOGLE_API = """segments.date,campaign.name,customer.currency_code,metrics.cost_micros
2026-11-16,Q4 Brand,USD,1234500000
2026-11-16,Q4 Brand,USD,4999
"""
MICROSOFT = """"Report Name: Campaign","","","",""
"Report Time: 11/1/2026-11/30/2026","","","",""
"Time Zone: (GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna","","","",""
"Report Aggregation: Daily","","","",""
"Report Filter: ","","","",""
"Rows: 2","","","",""

"TimePeriod","CampaignName","CurrencyCode","Clicks","Spend"
"2026-11-16","Q4 Brand","EUR","4","118.20"
"11/17/2026","Q4 Brand","EUR","0","0.00"

"©2026 Microsoft Corporation. All rights reserved. "
"""
LINKEDIN = (
    "Campaign Performance Report (in UTC)\n"
    "Report Start: November 1, 2026, 12:00 AM\n"
    "Report End: November 30, 2026, 11:59 PM\n"
    "Date Generated: December 1, 2026, 9:00 AM\n\n"
    "Start Date (in UTC)\tAccount Name\tCurrency\tCampaign Group Name\tCampaign Name\tClicks\tTotal Spent\n"
    "11/16/2026\tOurs\tUSD\tDefault\tQ4 Brand\t7\t88.05\n"
)
META = """Campaign name,Day,Reporting starts,Reporting ends,Amount spent (EUR),Impressions
,,2026-11-01,2026-11-30,60.50,900
Q4 Brand,2026-11-16,2026-11-16,2026-11-16,50.25,700
Q4 Brand,2026-11-16,2026-11-16,2026-11-16,10.25,200
"""
GOOGLE_DE = """Kampagnenbericht
"1. November 2026 - 30. November 2026"
Tag;Kampagne;Währungscode;Klicks;Kosten
16.11.2026;Q4 Brand;EUR;10;"1.234,50"
17.11.2026;Q4 Brand;EUR;3; --
Gesamt: Kampagnen; --;EUR;13;"1.234,50"
Gesamt: Konto; --;EUR;13;"1.234,50"
"""
GOOGLE_FR = """Rapport sur les campagnes
Jour;Campagne;Code de devise;Coût
2026-11-16;Q4 Brand;EUR;"1 234,50"
Total : Compte; --;EUR;"1 234,50"
"""
META_DE = """Kampagnenname,Tag,Ausgegebener Betrag (EUR)
Q4 Brand,2026-11-16,60.50
"""
META_ES = """Nombre de la campaña,Día,Importe gastado (EUR)
Q4 Brand,2026-11-16,"60,50"
"""


@pytest.mark.parametrize(
    ("text", "source", "cents", "currency", "totals"),
    [
        (GOOGLE, "google-ads", 123450, "EUR", 2),
        (GOOGLE_API, "google-ads", 123450, "USD", 0),
        (MICROSOFT, "microsoft-ads", 11820, "EUR", 1),
        (LINKEDIN, "linkedin-ads", 8805, "USD", 0),
        (META, "meta-ads", 6050, "EUR", 1),
        (GOOGLE_DE, "google-ads", 123450, "EUR", 2),
        (GOOGLE_FR, "google-ads", 123450, "EUR", 1),
        (META_DE, "meta-ads", 6050, "EUR", 0),
        (META_ES, "meta-ads", 6050, "EUR", 0),
    ],
)
def test_an_export_is_read(text: str, source: str, cents: int, currency: str, totals: int) -> None:
    report = read_ad_report(text.encode())
    assert report.preset.source == source
    assert cents_of(report)["Q4 Brand", DAY] == (cents, currency)
    assert report.totals == totals


def cents_of(report: AdReport) -> dict[tuple[str, date], tuple[int, str]]:
    return {(each.campaign, each.spent_on): (each.amount_cents, each.currency) for each in report.costs}


def test_what_a_report_leaves_open_can_be_said() -> None:
    text = b"Day,Campaign,Currency,Cost\n3/4/2026,Q4,EUR,1.234\n"
    assert cents_of(read_ad_report(text, dates="dmy", decimal=",")) == {("Q4", date(2026, 4, 3)): (123400, "EUR")}
    assert cents_of(read_ad_report(text, dates="mdy", decimal=".")) == {("Q4", date(2026, 3, 4)): (123, "EUR")}


def test_the_code_and_the_name_of_a_campaign_are_added_up() -> None:
    text = b"Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.00\n2026-11-16,Fourth Quarter,EUR,2.00\n"
    report = read_ad_report(text, campaigns={"q4": "q4", "fourth quarter": "q4"})
    assert cents_of(report) == {("Q4", DAY): (300, "EUR")}


def test_an_unspent_day_is_zero_and_not_unknown() -> None:
    report = read_ad_report(GOOGLE.encode())
    assert cents_of(report)["Q4 Generic", DAY] == (0, "EUR")
    assert cents_of(report)["Q4 Brand", date(2026, 11, 17)] == (0, "EUR")


def test_an_export_in_utf16_is_read_as_linkedin_writes_it() -> None:
    report = read_ad_report(LINKEDIN.encode("utf-16"))
    assert cents_of(report)["Q4 Brand", DAY] == (8805, "USD")


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        (MICROSOFT, "(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"),
        (LINKEDIN, "UTC"),
        (META, "the account's time zone"),
    ],
)
def test_whose_days_they_are_is_told(text: str, zone: str) -> None:
    assert read_ad_report(text.encode()).zone == zone


@pytest.mark.parametrize(
    ("amounts", "cents"),
    [
        (["1.234,50", "2,5"], [123450, 250]),
        (["1,234.50", "2.5"], [123450, 250]),
        (["1,234", "2.50"], [123400, 250]),
        (["1.234", "2,50"], [123400, 250]),
        (["€12.50", "3"], [1250, 300]),
        (["12,50 €", "--"], [1250, 0]),
    ],
)
def test_the_column_of_amounts_tells_how_numbers_are_written(amounts: list[str], cents: list[int]) -> None:
    rows = "".join(f'2026-11-{16 + n},Q4,"{amount}"\n' for n, amount in enumerate(amounts))
    report = read_ad_report(f"Day,Campaign,Cost\n{rows}".encode(), currency="EUR")
    assert [cents_of(report)["Q4", date(2026, 11, 16 + n)][0] for n in range(2)] == cents


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("Campaign,Cost\nQ4,1\n", "No line names a day"),
        ("Day,Campaign,Cost\n2026-11-16,Q4,1.00\n", "names no currency"),
        ("Day,Campaign,Currency,Cost\nNov 2026,Q4,EUR,1.00\n", "Line 2: 'Nov 2026' is not a date"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,lots\n", "Line 2: 'lots' is not an amount"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,-3.00\n", "Line 2: '-3.00': a cost must not be negative"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,XYZ,1.00\n", "Line 2: 'XYZ'"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR\n", "Line 2 has 3 cells instead of 4"),
        ("Day,Campaign,Currency,Cost\nTotal: Account,,EUR,1.00\n", "no rows"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1\n2026-11-16,Q4,USD,1\n", "in EUR and USD"),
        (
            META.replace(",Day", "").replace("Brand,2026-11-16,2026-11-16", "Brand,2026-11-01"),
            "Line 3 stands for 2026-11-01 to 2026-11-16. Export the report by day",
        ),
        (MICROSOFT.replace("Daily", "Weekly"), "The report is weekly"),
        ("Day,Campaign,Currency,Cost\n2026-11-19,Q4,EUR,1\n", "Line 2: '2026-11-19' lies in the future"),
        ("Day,Campaign,Currency,Cost\n0001-01-01,Q4,EUR,1\n", "Line 2: '0001-01-01' lies before 1990"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,10 20\n", "Line 2: '10 20' is not one amount"),
        ("Day,Campaign,Currency,Cost\n2026-11-16,Q4,EUR,1.234\n", "'1.234' could be two amounts. .* decimal: . or ,"),
        ("Day,Campaign,Currency,Cost\n3/4/2026,Q4,EUR,1.00\n", "'3/4/2026' could be two days. .* dates: dmy or mdy"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, because: str) -> None:
    with pytest.raises(ReportRefused, match=because):
        read_ad_report(text.encode(), at=datetime(2026, 11, 17, 20, tzinfo=UTC))


def test_a_report_by_day_may_name_its_first_and_last_day() -> None:
    text = "Campaign name,Reporting starts,Reporting ends,Amount spent (EUR)\nQ4 Brand,2026-11-16,2026-11-16,50.25\n"
    assert cents_of(read_ad_report(text.encode())) == {("Q4 Brand", DAY): (5025, "EUR")}


def test_the_accounts_today_may_be_ahead() -> None:
    text = b"Day,Campaign,Currency,Cost\n2026-11-17,Q4,EUR,1\n"
    assert read_ad_report(text, at=datetime(2026, 11, 16, 20, tzinfo=UTC)).costs
