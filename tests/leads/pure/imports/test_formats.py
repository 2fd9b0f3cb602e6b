"""Days and amounts: read in the order and with the sign that the file's own cells tell."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from leads.pure.imports.dates import guess_order, read_moment
from leads.pure.imports.numbers import (
    InvalidNumber,
    currency_code,
    guess_decimal,
    plain_amount,
    whole_count,
    whole_minutes,
)

BERLIN = ZoneInfo("Europe/Berlin")
_13TH = datetime(2026, 11, 12, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "order", "moment"),
    [
        ("2026-02-01", "", datetime(2026, 1, 31, 23, tzinfo=UTC)),
        ("01.02.2026", "", datetime(2026, 1, 31, 23, tzinfo=UTC)),
        ("2026-07-01 20:17:59", "", datetime(2026, 7, 1, 18, 17, 59, tzinfo=UTC)),
        ("2026-07-01T20:17Z", "", datetime(2026, 7, 1, 20, 17, tzinfo=UTC)),
        ("19-Nov-26", "", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("1er décembre 2026", "", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("December 1st, 2026", "", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("19.11.2026, 14:05 Uhr", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("19/11/2026 14.05", "dmy", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("19 novembre 2026 14h05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("١٩/١١/٢٠٢٦", "dmy", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("2026-1-9 9:05 AM", "", datetime(2026, 1, 9, 8, 5, tzinfo=UTC)),
        ("19. 11. 2026", "", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("2026. 11. 19. 14:05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("19NOV2026", "", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("2026-Nov-19", "", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("19/11/99", "dmy", datetime(1999, 11, 18, 23, tzinfo=UTC)),
        ("2026‑11‑19", "", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("Thu Nov 19 14:05:00 CET 2026", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        (
            "Thu Nov 19 2026 14:05:00 GMT+0100 (Central European Standard Time)",
            "",
            datetime(2026, 11, 19, 13, 5, tzinfo=UTC),
        ),
        ("2026-11-19T14:05:00+01:00[Europe/Berlin]", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("Nov 19, 2026, 2:05:00 PM EST", "", datetime(2026, 11, 19, 19, 5, tzinfo=UTC)),
        ("19/11/2026 14:05:00 PDT", "dmy", datetime(2026, 11, 19, 21, 5, tzinfo=UTC)),
        ("2026-11-19 2pm", "", datetime(2026, 11, 19, 13, tzinfo=UTC)),
        ("19.11.2026 14 Uhr", "", datetime(2026, 11, 19, 13, tzinfo=UTC)),
        ("2026-11-19T24:00:00", "", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("19. November 2026 um 14:05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("19 de noviembre de 2026 a las 14:05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("19 november 2026 kl. 14.05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("13 ноября 2026 г.", "", _13TH),
        ("2026-11-19 오후 2:05", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("2026年11月19日 14時05分", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("1763560000", "", datetime(2025, 11, 19, 13, 46, 40, tzinfo=UTC)),
        ("1763560000123", "", datetime(2025, 11, 19, 13, 46, 40, 123000, tzinfo=UTC)),
        ("20261119140500", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("2026-07-01T20:17:59-03:00", "", datetime(2026, 7, 1, 23, 17, 59, tzinfo=UTC)),
        ("2026-03-29 02:30", "", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("20261119T233000Z", "", datetime(2026, 11, 19, 23, 30, tzinfo=UTC)),
        ("2026-11-19T14", "", datetime(2026, 11, 19, 13, tzinfo=UTC)),
        ("2026-11-19T1405", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("2026-11-19T14:05-0500", "", datetime(2026, 11, 19, 19, 5, tzinfo=UTC)),
        ("20261119T1405-0500", "", datetime(2026, 11, 19, 19, 5, tzinfo=UTC)),
        ("20261113", "", _13TH),
        ("2026/11/13", "", _13TH),
        ("13/11/2026", "dmy", _13TH),
        ("13-11-2026", "dmy", _13TH),
        ("11/13/2026", "mdy", _13TH),
        ("13/11/26", "dmy", _13TH),
        ("26/11/13", "ymd", _13TH),
        ("Nov 13, 2026", "", _13TH),
        ("13-Nov-2026", "", _13TH),
        ("3.11.2026 14:05", "", datetime(2026, 11, 3, 13, 5, tzinfo=UTC)),
        ("11/13/2026 2:05 PM", "mdy", datetime(2026, 11, 13, 13, 5, tzinfo=UTC)),
        ("11/13/2026, 12:05 a.m.", "mdy", datetime(2026, 11, 12, 23, 5, tzinfo=UTC)),
        ("2026-11-19 14:05:00 UTC", "", datetime(2026, 11, 19, 14, 5, tzinfo=UTC)),
        ("2026-11-19 14:05:00 +0100 UTC", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("2026-11-19 2:05 PM", "", datetime(2026, 11, 19, 13, 5, tzinfo=UTC)),
        ("Thu, 19 Nov 2026 14:05:06 +0100", "", datetime(2026, 11, 19, 13, 5, 6, tzinfo=UTC)),
        ("13. November 2026", "", _13TH),
        ("Fr., 13. Nov. 2026", "", _13TH),
        ("13 de noviembre de 2026", "", _13TH),
        ("13 novembre 2026", "", _13TH),
        ("13 listopadu 2026", "", _13TH),  # in Czech, as it stands in dates
        ("13 ноября 2026", "", _13TH),
        ("2026年11月13日", "", _13TH),
        ("1. März 2026", "", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("13 Sept 2026", "", datetime(2026, 9, 12, 22, tzinfo=UTC)),
    ],
)
def test_moments(text: str, order: str, moment: datetime) -> None:
    assert read_moment(text, BERLIN, order) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2018-W05", "2018-W05-1", "2018W05", "2018-123", "2026-02-30", "yesterday", "32.1.2026", "45231", "9999-99-99",
        "2026-11-19T24:30", "19-Nov-2026 14:05 IST", "2026-11", "November 2026", "19.11.2026 14",
        "12/11/2026 25:00", "13 Frob 2026", "1/2-2026", "19 Nov 14:05",
        "Frob 13 Nov 2026", "13 listopad 2026",  # October in Croatian, November in Polish
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        read_moment(text, BERLIN, "dmy")


def test_a_date_that_is_two_days_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="could be two days"):
        read_moment("3/4/2026", BERLIN)


def test_a_date_in_the_other_order_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a date: month first"):
        read_moment("13/11/2026", BERLIN, "mdy")


def test_a_midnight_that_does_not_exist_is_the_days_first_moment() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert read_moment("2017-10-15", sao_paulo).astimezone(sao_paulo).isoformat() == "2017-10-15T01:00:00-02:00"


@pytest.mark.parametrize(
    ("cells", "order", "is_open"),
    [
        (["3/4/2026", "13/11/2026"], "dmy", False),
        (["3/4/2026", "11/13/2026 2:05 PM"], "mdy", False),
        (["3-4-2026", "13-11-2026"], "dmy", False),
        (["3.4.2026"], "dmy", False),
        (["\u200e19\u200e/\u200e11\u200e/\u200e2026"], "dmy", False),
        (["26/12/31"], "", True),
        (["3/4/2026", "5/6/2026"], "", True),
        (["3/14/2026", "14/3/2026"], "", True),
        (["2026-01-01", "N/A", ""], "", False),
    ],
)
def test_the_order_is_told_by_all_cells_or_asked(cells: list[str], order: str, is_open: bool) -> None:
    guess = guess_order(cells)
    assert (guess.value, guess.is_open) == (order, is_open)


@pytest.mark.parametrize(
    ("cells", "sign", "is_open"),
    [
        (["1.234,50", "12"], ",", False),
        (["1,234.50"], ".", False),
        (["1234.50 €"], ".", False),
        (["1.234", "1.234.567"], ",", False),
        (["0.125"], ".", False),
        (["1,234"], "", True),
        (["1.5", "1,5"], "", True),
        (["12", "", "-"], "", False),
    ],
)
def test_the_decimal_sign_is_told_by_all_cells_or_asked(cells: list[str], sign: str, is_open: bool) -> None:
    guess = guess_decimal(cells)
    assert (guess.value, guess.is_open) == (sign, is_open)


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1 234,50", ",", "1234.50"), ("1\u202f234,50", ",", "1234.50"), ("1'234.50", ".", "1234.50"),
        ("(1,234.50)", ".", "-1234.50"), ("-5", ".", "-5"), ("5-", ".", "-5"), ("\u22125", ".", "-5"), ("+5", ".", "5"),
        ("1.234.567", ",", "1234567"), ("1.234,50-", ",", "-1234.50"), ("12,34,567.00", ".", "1234567.00"),
        # A dash in place of the cents is no minus.
        ("1'200.-", ".", "1200"), ("1'200.–", ".", "1200"), ("1.200,--", ",", "1200"), ("-1.200,-", ",", "-1200"),
        ("5 000:-", ",", "5000"),
        ("١٬٢٣٤٫٥٠", ".", "1234.50"), ("１２３４", ".", "1234"),
    ],
)  # fmt: skip
def test_amounts(text: str, decimal: str, amount: str) -> None:
    assert plain_amount(text, decimal) == (amount, "")


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1e3", "1_000", "1,2,3", "1.234,50", "5-10", "$ 5", "12 apples",
     "10 20", "1234 5678", "2026 11", "1 2 3", "12.50 3"],
)  # fmt: skip
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidNumber):
        plain_amount(text, ".")


@pytest.mark.parametrize("text", ["1,2", "²", "1.200,50", "x", "", "-5"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(InvalidNumber):
        whole_count(text)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("€5", "EUR"), ("5000 ₽", "RUB"), ("AU$100", "AUD"), ("5000円", "JPY"), ("100 euros", "EUR"),
        ("฿1,234.50", "THB"), ("$(1,234.50) USD", "USD"), ("R 5", "ZAR"),
    ],
)  # fmt: skip
def test_signs_of_one_currency_name_it(text: str, currency: str) -> None:
    assert plain_amount(text, ".")[1] == currency


def test_a_sign_of_several_currencies_means_the_one_expected() -> None:
    assert plain_amount("Rs. 5,000", ".", "INR") == ("5000", "INR")
    with pytest.raises(InvalidNumber, match="several currencies"):
        plain_amount("Rs. 5,000", ".", "EUR")


@pytest.mark.parametrize("text", ["($1,234.50)", "$(1,234.50)", "(1,234.50) USD", "USD (1,234.50)", "-$1,234.50"])
def test_brackets_and_signs_say_negative_within_and_without_the_currency(text: str) -> None:
    assert plain_amount(text, ".", "USD") == ("-1234.50", "USD")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("51–200 employees", 51), ("10k+", 10_000), ("1.5k", 1_500), ("1K-5K", 1_000), ("≤10", 1), ("up to 10", 1),
        (">=500", 500), ("ca. 500", 500), ("1,000 or more", 1_000), ("Between 51 and 200", 51), ("1–10 employés", 1),
        ("201-500 Beschäftigte", 201), ("Self-employed", 1), ("５１-２００", 51),
    ],
)  # fmt: skip
def test_sizes_of_companies(text: str, count: int) -> None:
    assert whole_count(text) == count


@pytest.mark.parametrize("text", ["11-Feb", "02. Okt", "Nov 50", "10.02.2026", "2050-11-01 00:00:00"])
def test_a_range_that_a_spreadsheet_took_for_a_date_is_told(text: str) -> None:
    with pytest.raises(InvalidNumber, match="before a spreadsheet took it for a date"):
        whole_count(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("58", 58), ("58.5", 58), ("0", 0), ("1:02:30", 62), ("00:00:20", 1), ("1 hour 2 minutes", 62),
        ("1h 5m 3s", 65),
        ("58 min", 58), ("30 sec", 1),
    ],
)  # fmt: skip
def test_how_long_somebody_was_there(text: str, minutes: int) -> None:
    assert whole_minutes(text) == minutes


@pytest.mark.parametrize("text", ["1:05", "-5", "h", "long", "12345678"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidNumber, match="no duration"):
        whole_minutes(text)


@pytest.mark.parametrize(
    ("text", "currency"), [("$1,000.00 USD", "USD"), ("EUR 5 €", "EUR"), ("$5 CAD", "CAD"), ("CHF 1'200.-", "CHF")]
)
def test_a_currency_named_twice(text: str, currency: str) -> None:
    assert plain_amount(text, ".")[1] == currency


def test_two_currencies_are_none() -> None:
    with pytest.raises(InvalidNumber):
        plain_amount("€5 USD", ".")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("eur", "EUR"), ("€", "EUR"), ("EUR (€)", "EUR"), ("Euro", "EUR"), ("US Dollar", "USD"), ("US-Dollar", "USD"),
        ("Schweizer Franken", "CHF"), ("£", "GBP"), ("Kč", "CZK"), ("$", "USD"), ("Frobnitz", "FROBNITZ"), ("", ""),
    ],
)  # fmt: skip
def test_a_currency_by_code_sign_or_name(text: str, code: str) -> None:
    assert currency_code(text, "USD") == code


def test_a_sign_of_several_currencies_alone_is_asked_about() -> None:
    with pytest.raises(InvalidNumber, match="several currencies"):
        currency_code("$", "EUR")
