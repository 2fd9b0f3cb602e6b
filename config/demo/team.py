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

# first name, last name, home territory, weights in the rotations. Everywhere somebody stands in for the others.
_REPS: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("Jana", "Weber", "dach", {"dach": 3, "nordics": 1}),
    ("Emre", "Yildiz", "dach", {"dach": 2}),
    ("Florian", "Steiner", "dach", {"dach": 2, "rest-of-world": 1}),
    ("Charlotte", "Hughes", "uk-ireland", {"uk-ireland": 2}),
    ("Callum", "Byrne", "uk-ireland", {"uk-ireland": 1, "north-america": 1}),
    ("Astrid", "Lindqvist", "nordics", {"nordics": 4}),
    ("Denise", "Coleman", "north-america", {"north-america": 4}),
    ("Beatriz", "Navarro", "rest-of-world", {"rest-of-world": 3}),
)
REP_ON_LEAVE = 1
# Reps who work in another time zone or under other public holidays than the company: zone, country, region.
HOURS_ABROAD = {
    "Florian Steiner": ("Europe/Vienna", "AT", ""),
    "Charlotte Hughes": ("Europe/London", "GB", "ENG"),
    "Callum Byrne": ("Europe/Dublin", "IE", ""),
    "Astrid Lindqvist": ("Europe/Stockholm", "SE", ""),
    "Denise Coleman": ("America/New_York", "US", "NY"),
    "Beatriz Navarro": ("Europe/Madrid", "ES", "MD"),
}


def team(until: date) -> list[Person]:
    """Admin, marketing director, sales leader, then the reps; one rep is on leave around `until`."""
    people = [
        _person("Ines", "Brandt", "admin"),
        _person("Nadia", "Moreau", "marketing_director"),
        _person("Oliver", "Reid", "sales_leader"),
    ]
    for number, (first_name, last_name, territory, shares) in enumerate(_REPS):
        rep = _person(first_name, last_name, "sales_rep")
        rep.territory, rep.shares = territory, shares
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
