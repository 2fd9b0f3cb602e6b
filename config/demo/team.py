"""Who works at the company: reps by territory, their leave, and the three people above them."""

from __future__ import annotations

from datetime import date, timedelta

from config.demo.records import Person, Territory

MAIL_DOMAIN = "fernhill.example"

TERRITORIES = [
    Territory("dach", "DACH", ("DE", "AT", "CH")),
    Territory("uk-ireland", "UK & Ireland", ("GB", "IE")),
    Territory("nordics", "Nordics", ("SE", "NO", "DK", "FI", "IS")),
    Territory("north-america", "North America", ("US", "CA")),
    Territory("rest-of-world", "Rest of world", ()),
]

# first name, last name, territory, weight in the rotation, new leads a week
_REPS = (
    ("Jana", "Weber", "dach", 3, 40),
    ("Emre", "Yildiz", "dach", 2, 35),
    ("Florian", "Steiner", "dach", 2, 35),
    ("Charlotte", "Hughes", "uk-ireland", 2, 40),
    ("Callum", "Byrne", "uk-ireland", 1, 30),
    ("Astrid", "Lindqvist", "nordics", 1, 45),
    ("Denise", "Coleman", "north-america", 1, 45),
    ("Beatriz", "Navarro", "rest-of-world", 1, 40),
)
REP_ON_LEAVE = 1


def team(until: date) -> list[Person]:
    """Admin, marketing director, sales leader, then the reps; one rep is on leave around `until`."""
    people = [
        _person("Ines", "Brandt", "admin"),
        _person("Nadia", "Moreau", "marketing_director"),
        _person("Oliver", "Reid", "sales_leader"),
    ]
    for number, (first_name, last_name, territory, weight, capacity) in enumerate(_REPS):
        rep = _person(first_name, last_name, "sales_rep")
        rep.territory, rep.weight, rep.weekly_capacity = territory, weight, capacity
        for years_ago in (1, 2):
            start = date(until.year - years_ago, 7, 6) + timedelta(days=9 * number)
            rep.away.append((start, start + timedelta(days=13), "Summer holiday"))
        if number == REP_ON_LEAVE:
            rep.away.append((until - timedelta(days=9), until + timedelta(days=18), "Parental leave"))
        people.append(rep)
    return people


def territory_of(country: str) -> str:
    """The slug of the first territory that names the country, or the catch-all."""
    return _BY_COUNTRY.get(country, TERRITORIES[-1].slug)


def _person(first_name: str, last_name: str, role: str) -> Person:
    email = f"{first_name}.{last_name}@{MAIL_DOMAIN}".lower()
    return Person(first_name, last_name, role, email)


_BY_COUNTRY = {country: territory.slug for territory in TERRITORIES for country in territory.countries}
