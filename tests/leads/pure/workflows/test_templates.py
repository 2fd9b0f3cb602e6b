"""Templates are strict, bounded and give plain text."""

from __future__ import annotations

import pytest

from leads.pure.workflows.templates import SAMPLE, Letter, TemplateRefused, check_template, compose


def test_filled_in() -> None:
    body = "Dear {{ lead.first_name }},  \r\n\r\n{% if lead.company != '' %}{{ lead.company }}{% endif %}\n\n"
    assert compose("Hi\n {{ lead.name }}", body, SAMPLE) == Letter("Hi Ada Byron", "Dear Ada,\n\nAnalytical Engines")


def test_values_are_text_and_no_template() -> None:
    values = {**SAMPLE, "lead": {**SAMPLE["lead"], "first_name": "{{ owner.email }} <b>"}}
    assert compose("Hi", "Dear {{ lead.first_name }}", values).text == "Dear {{ owner.email }} <b>"


def test_a_subject_stays_one_line() -> None:
    values = {**SAMPLE, "lead": {**SAMPLE["lead"], "first_name": "Ada\r\nBcc: everybody@example.com"}}
    assert compose("Hi {{ lead.first_name }}", "x", values).subject == "Hi Ada Bcc: everybody@example.com"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ lead.frst }}", "Text, line 1: lead.frst is undefined."),
        ("a\n{% if %}", "Text, line 2: missing expression."),
        ("{% include 'other' %}", "Text, line 1: unexpected tag 'include'."),
        ("{{ 'a' | nothing }}", "Text, line 1: unknown filter 'nothing'."),
        ("{% for i in (1..100000) %}a{% endfor %}", "Text, line 1: loop iteration limit reached."),
        ("{{ lead.name.__class__ }}", "Text, line 1: lead.name.__class__ is undefined."),
        (" ", "Text: it is empty."),
        ("a" * 20_001, "Text: at most 20,000 characters."),
    ],
)
def test_what_cannot_be_filled_in_is_refused_with_its_line(body: str, said: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        check_template("Hi", body)
    assert str(refused.value) == said


def test_a_mistake_for_people_of_whom_nothing_is_known_is_found() -> None:
    with pytest.raises(TemplateRefused):
        check_template("Hi", "{% if lead.company == '' %}{{ lead.compny }}{% endif %}x")


def test_a_subject_that_may_be_empty_is_refused() -> None:
    with pytest.raises(TemplateRefused, match="Subject: it is empty"):
        check_template("{{ lead.company }}", "x")
