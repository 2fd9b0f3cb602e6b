"""Answers become values of a lead, or a message beside the field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leads.pure.capture.stored import restored, stored
from leads.pure.web_forms.answers import Asked, Context, item_of, read_answers
from leads.pure.web_forms.definition import ATTRIBUTE, DefinitionRefused, Field, checked, default_fields, fields_of

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FIELDS = [
    *default_fields(),
    Field("country", "country", "Country"),
    Field("company_size", "company_size", "Size", input="number"),
    Field(ATTRIBUTE, "topic", "Topic", input="select", options=("CRM", "Data"), is_required=True),
    Field(ATTRIBUTE, "newsletter", "Newsletter", input="checkbox"),
    Field("industry", "industry", "", is_hidden=True, value="software"),
]
ASKED = Asked(FIELDS, "Contact", "form_submission", campaign="q4", consent="Yes, mail me.", consent_required=True)
GOOD = {"email": "Ada@Example.com", "first_name": " Ada ", "topic": "CRM", "consent": "on", "country": "Germany"}


def test_good_answers_are_spelled_as_everywhere() -> None:
    read = read_answers(ASKED, {**GOOD, "company_size": "120", "newsletter": "on"})
    assert read.faults == {}
    assert read.details == {
        "email": "ada@example.com", "first_name": "Ada", "country": "DE", "company_size": 120, "industry": "software",
    }  # fmt: skip
    assert read.attributes == {"topic": "CRM", "newsletter": True}


def test_a_hidden_field_answers_with_its_value_whatever_was_sent() -> None:
    assert read_answers(ASKED, {**GOOD, "industry": "mining"}).details["industry"] == "software"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "a@x.example, b@x.example"}, "email"),
        ({"topic": "Other"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"country": "Nowhere"}, "country"),
        ({"company_size": "many"}, "company_size"),
        ({"company_size": "9" * 5000}, "company_size"),
        ({"first_name": "x" * 121}, "first_name"),
        ({"first_name": "\ud800"}, "first_name"),
        ({"email": ["a"]}, "email"),
        ({"consent": ""}, "consent"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field(wrong: dict[str, object], field: str) -> None:
    read = read_answers(ASKED, {**GOOD, **wrong})
    if wrong.get("first_name") == "\ud800":
        assert read.details.get("first_name", "") == ""
    else:
        assert list(read.faults) == [field]


def test_messages_are_in_the_forms_language() -> None:
    german = Asked(FIELDS, "Kontakt", "form_submission", language="de")
    assert read_answers(german, {}).faults["email"] == "Bitte füllen Sie dieses Feld aus."


def test_the_item_is_what_capture_takes_and_survives_being_stored() -> None:
    context = Context("https://shop.example/?utm_source=google&utm_campaign=x", "https://google.com/", "v-12345678")
    item = item_of(ASKED, read_answers(ASKED, GOOD), context, AT)
    assert (item.event.kind, item.event.name, item.event.campaign) == ("form_submission", "Contact", "q4")
    assert (item.event.utm.source, item.event.visitor_id) == ("google", "v-12345678")
    assert item.consent is not None
    assert (item.consent.text, item.consent.given_at) == ("Yes, mail me.", AT)
    assert restored(stored(item), {}) == item


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ([Field("first_name", "first_name", "Name")], "asks for the email"),
        ([*default_fields(), Field("first_name", "first_name", "Again")], "asked twice"),
        ([*default_fields(), Field(ATTRIBUTE, "Team Size", "Size")], "cannot be the name"),
        ([*default_fields(), Field(ATTRIBUTE, "token", "Token")], "cannot be the name"),
        ([*default_fields(), Field(ATTRIBUTE, "topic", "Topic", input="select")], "needs 1 to 100 options"),
        ([*default_fields(), Field("phone", "phone", "")], "needs a label"),
        ([*default_fields(), Field("phone", "phone", "", is_hidden=True)], "needs a value"),
        ([*default_fields(), Field("salary", "salary", "Salary")], "no property"),
        ([], "1 to 40"),
    ],
)
def test_a_form_that_cannot_be_asked_is_refused(fields: list[Field], why: str) -> None:
    with pytest.raises(DefinitionRefused, match=why):
        checked(fields)


def test_fields_are_read_as_they_were_stored() -> None:
    assert fields_of([each.stored() for each in checked(FIELDS)]) == FIELDS
