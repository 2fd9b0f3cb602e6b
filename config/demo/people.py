"""The accounts and the people in them: one company by domain, several people each, few private addresses."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TypeVar

from config.demo import words
from config.demo.records import Account

Value = TypeVar("Value")

_CULTURES = tuple(words.FIRST_NAMES)


@dataclass(slots=True)
class Identity:
    """Who a lead is, before how they arrived."""

    email: str
    first_name: str
    last_name: str
    company: str
    job_title: str
    phone: str
    country: str
    region: str
    postal_code: str
    account: int | None
    fit: float


class Draw:
    """One of several values by weight."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.values = list(weights)
        self.cumulative = list(accumulate(weights.values()))

    def __call__(self, rng: Random) -> str:
        place = bisect_right(self.cumulative, rng.random() * self.cumulative[-1])
        return self.values[min(place, len(self.values) - 1)]


_industry = Draw({name: facts[0] for name, facts in words.INDUSTRIES.items()})
_job_title = Draw({title: facts[0] for title, facts in words.JOB_TITLES.items()})


class Population:
    """Accounts by region and the people drawn from them; no address is given twice."""

    def __init__(self, rng: Random, leads: int) -> None:
        self.rng = rng
        self.accounts: list[Account] = []
        self._taken: set[str] = set()
        self._places: dict[str, list[int]] = {}
        self._weights: dict[str, list[float]] = {}
        country = Draw({code: facts[0] for code, facts in words.COUNTRIES.items()})
        codes = [country(rng) for _ in range(max(round(leads * 0.42), 20))]
        # Every country has an account, so that any campaign finds people.
        for code in [*words.COUNTRIES, *codes]:
            self._add_account(code)
        self._cumulative = {code: list(accumulate(weights)) for code, weights in self._weights.items()}

    def person(self, country: str, *, private: float = 0.09, fit_limit: float = 1.0) -> Identity:
        """Someone of the country; with chance `private` behind a free-mail address and without an account."""
        rng = self.rng
        account_number: int | None = None
        if rng.random() >= private:
            account_number = self._some_account(country)
            if self.accounts[account_number].fit > fit_limit:
                account_number = self._some_account(country)
        culture = words.COUNTRIES[country][1]
        if rng.random() < 0.22:
            culture = _CULTURES[int(rng.random() * len(_CULTURES))]
        first_name = _pick(rng, words.FIRST_NAMES[culture])
        last_name = _pick(rng, words.LAST_NAMES[culture if rng.random() < 0.9 else "english"])
        job_title = _job_title(rng)
        buyer = words.JOB_TITLES[job_title][1]
        if account_number is None:
            domain = _pick(rng, words.FREE_MAIL_DOMAINS)
            region, postal_code = _place(rng, country)
            return Identity(
                self._address(first_name, last_name, domain),
                first_name,
                last_name,
                "",
                job_title,
                "",
                country,
                region,
                postal_code,
                None,
                0.25 * buyer,
            )
        account = self.accounts[account_number]
        phone = ""
        if rng.random() < 0.55:
            phone = f"{words.COUNTRIES[country][4]} {int(rng.random() * 9e6) + 1_000_000}"
        return Identity(
            self._address(first_name, last_name, account.domain),
            first_name,
            last_name,
            account.name,
            job_title,
            phone,
            country,
            account.region,
            account.postal_code,
            account_number,
            account.fit * buyer,
        )

    def _add_account(self, country: str) -> None:
        rng = self.rng
        _, culture, forms, _, _ = words.COUNTRIES[country]
        industry = _industry(rng)
        _, fit, nouns = words.INDUSTRIES[industry]
        stem, noun = self._company_name(nouns)
        domain = f"{words.plain(stem)}-{words.plain(noun)}.example"
        if domain in self._taken:
            domain = f"{words.plain(stem)}-{words.plain(noun)}-{len(self.accounts)}.example"
        self._taken.add(domain)
        region, postal_code = _place(rng, country)
        size = max(round(rng.lognormvariate(4.9, 1.35)), 3)
        size_fit = 1.0 if 50 <= size <= 2000 else 0.55
        interest = rng.lognormvariate(0, 0.9)
        self._places.setdefault(country, []).append(len(self.accounts))
        self._weights.setdefault(country, []).append(interest * min(size, 1500) ** 0.3)
        self.accounts.append(
            Account(
                f"{stem} {noun} {_pick(rng, forms)}",
                domain,
                country,
                region,
                postal_code,
                industry,
                size,
                culture,
                fit * size_fit,
                interest,
            )
        )

    def _company_name(self, nouns: tuple[str, ...]) -> tuple[str, str]:
        """A name nobody has yet, if one is found in a few tries; no letter thrice in a row."""
        stem = noun = ""
        for _ in range(12):
            start, end = _pick(self.rng, words.COMPANY_STARTS), _pick(self.rng, words.COMPANY_ENDS)
            stem, noun = start + end, _pick(self.rng, nouns)
            is_free = f"{words.plain(stem)}-{words.plain(noun)}.example" not in self._taken
            if is_free and start[-1] != end[0]:
                break
        return stem, noun

    def _some_account(self, country: str) -> int:
        cumulative = self._cumulative[country]
        place = bisect_right(cumulative, self.rng.random() * cumulative[-1])
        return self._places[country][min(place, len(cumulative) - 1)]

    def _address(self, first_name: str, last_name: str, domain: str) -> str:
        local = f"{words.plain(first_name)}.{words.plain(last_name)}"
        address, number = f"{local}@{domain}", 2
        while address in self._taken:
            address, number = f"{local}{number}@{domain}", number + 1
        self._taken.add(address)
        return address


def _place(rng: Random, country: str) -> tuple[str, str]:
    region, start = _pick(rng, words.COUNTRIES[country][3])
    length = 4 if country in ("AT", "CH", "DK", "NO") else 5
    digits = "".join(str(int(rng.random() * 10)) for _ in range(max(length - len(start), 1)))
    return region, start + digits


def _pick(rng: Random, values: tuple[Value, ...]) -> Value:
    return values[int(rng.random() * len(values))]
