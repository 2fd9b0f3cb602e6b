"""Which spellings are one, and which are not."""

from __future__ import annotations

import pytest

from leads.pure.spelling.alike import Person, keys_of, mailbox, plain_spelling, reason_of


@pytest.mark.parametrize(
    ("email", "right"),
    [
        ("a.d.a+news@gmail.com", "ada@gmail.com"),
        ("ada@googlemail.com", "ada@gmail.com"),
        ("ada+crm@engines.example", "ada@engines.example"),
        ("a.da@engines.example", "a.da@engines.example"),
        ("+odd@engines.example", "+odd@engines.example"),
    ],
)
def test_a_mailbox_by_its_addresses(email: str, right: str) -> None:
    assert mailbox(email) == right


@pytest.mark.parametrize(
    "names",
    [
        ("Jürgen Müller", "Juergen Mueller", "Jurgen Muller", "JÜRGEN MÜLLER"),
        ("Søren Ångström", "Soren Angstrom", "Soeren Angstrom"),
        ("Łukasz Wałęsa", "Lukasz Walesa"),
        ("François Noël", "Francois Noel"),
        ("Иван Петров", "Ivan Petrov"),
        ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoylos"),
    ],
)
def test_one_name_in_several_spellings(names: tuple[str, ...]) -> None:
    assert len({plain_spelling(name) for name in names}) == 1


def kinds(one: Person, other: Person) -> set[str]:
    return {reason_of(key) for key in set(keys_of(one)) & set(keys_of(other))}


@pytest.mark.parametrize(
    ("one", "other", "right"),
    [
        (Person(email="ada.byron@gmail.com"), Person(email="adabyron+x@googlemail.com"), {"mailbox"}),
        (Person(phone="030 1234567", country="DE"), Person(phone="+49 (0)30 123 45 67"), {"phone"}),
        (
            Person(email="j.mueller@engines.example", first_name="Jürgen", last_name="Müller"),
            Person(email="juergen@engines.example", first_name="Mueller", last_name="Juergen"),
            {"name@domain"},
        ),
        (
            Person(first_name="Ada", last_name="Byron", company="Analytical Engines GmbH"),
            Person(first_name="Ada", last_name="Byron", company="analytical engines"),
            {"name@company"},
        ),
        (
            Person(email="ada@gmail.com", first_name="Ada", last_name="Byron"),
            Person(email="ada2@gmail.com", first_name="Ada", last_name="Byron"),
            set(),
        ),
        (Person(phone="12345"), Person(phone="12345"), set()),
        (
            Person(first_name="Info", company="Engines"),
            Person(first_name="Info", company="Engines"),
            set(),
        ),
        (
            Person(first_name="Ada", last_name="Byron", company="Engines"),
            Person(first_name="Ada", last_name="King", company="Engines"),
            set(),
        ),
    ],
)
def test_what_makes_two_people_alike(one: Person, other: Person, right: set[str]) -> None:
    assert kinds(one, other) == right
