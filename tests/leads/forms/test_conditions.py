"""Conditions built with buttons and fields alone."""

from __future__ import annotations

from django.http import QueryDict
from django.template.loader import render_to_string

from leads.forms.conditions import ConditionBuilder
from leads.pure.conditions.grammar import Condition, Group
from leads.pure.conditions.properties import LEADS, Operator

CATALOG = LEADS.with_choices(country=[("DE", "Germany (DE)"), ("AT", "Austria (AT)")])
NESTED = Group(
    (
        Group(
            (
                Condition("country", Operator.IS, ("DE", "AT")),
                Condition("company_size", Operator.BETWEEN, low=5, high=9.5),
            )
        ),
        Group((Condition("event:page_view", Operator.HAPPENED, ("pric",), low=2, days=30, names="contains"),), "any"),
    ),
    "any",
)


def fields(builder: ConditionBuilder, **more: str | list[str]) -> QueryDict:
    """What a browser sends of the form as it is shown."""
    data = QueryDict(mutable=True)
    data["conditions-shape"], data["conditions-match"] = builder.shape, builder.match
    for g, (match, rows) in enumerate(builder.groups):
        data[f"conditions-{g}-match"] = match
        for row in rows:
            if row.looked_at is None or row.operator is None:
                continue
            data[f"{row.name}-property"] = data[f"{row.name}-was"] = row.looked_at.key
            data[f"{row.name}-operator"] = row.operator.value
            for each in row.inputs():
                data.setlist(each.name, each.values if each.type == "multiple" else [each.lines or each.value])
    for name, value in more.items():
        data.setlist(name.replace("_", "-"), value if isinstance(value, list) else [value])
    return data


def built(**more: str | list[str]) -> ConditionBuilder:
    return ConditionBuilder(CATALOG, data=fields(ConditionBuilder(CATALOG), **more))


def test_what_is_shown_and_sent_back_is_the_same() -> None:
    builder = ConditionBuilder(CATALOG, data=fields(ConditionBuilder(CATALOG, group=NESTED)))
    assert builder.is_valid()
    assert builder.group == NESTED
    assert not builder.is_edited


def test_the_fields_follow_the_property_and_the_operator() -> None:
    builder = built(conditions_0_0_property="country", conditions_do="refresh")
    (row,) = builder.groups[0][1]
    assert builder.is_edited
    assert [(each.type, each.label) for each in row.inputs()] == [("multiple", "Value")]
    html = render_to_string("_ui/conditions.html", {"builder": builder})
    assert '<option value="DE">Germany (DE)</option>' in html


def test_values_of_another_property_are_forgotten() -> None:
    data = fields(ConditionBuilder(CATALOG, group=Group((Condition("job_title", Operator.IS, ("CTO",)),))))
    data["conditions-0-0-property"] = "industry"
    builder = ConditionBuilder(CATALOG, data=data)
    assert builder.groups[0][1][0].inputs()[0].values == []


def test_conditions_are_added_and_removed_by_buttons() -> None:
    first = ConditionBuilder(CATALOG, group=Group((Condition("industry", Operator.KNOWN),)))
    more = ConditionBuilder(CATALOG, data=fields(first, conditions_do="add:0"))
    assert more.shape == "2"
    grouped = ConditionBuilder(CATALOG, data=fields(more, conditions_do="add-group"))
    assert grouped.shape == "2,1"
    less = ConditionBuilder(CATALOG, data=fields(grouped, conditions_do="remove:1:0"))
    assert less.shape == "2"
    last = ConditionBuilder(CATALOG, data=fields(less, conditions_do="remove:0:1"))
    assert last.is_valid()
    assert last.group == Group((Condition("industry", Operator.KNOWN),))


def test_what_is_missing_is_said_beside_it() -> None:
    builder = built(
        conditions_0_0_property="company_size", conditions_0_0_operator="at_least", conditions_0_0_low="many"
    )
    assert not builder.is_valid()
    assert builder.groups[0][1][0].error == "Company size: enter a number."
    assert "Company size: enter a number." in render_to_string("_ui/conditions.html", {"builder": builder})
    empty = built()
    assert not empty.is_valid()
    assert empty.groups[0][1][0].error == "Choose a property."


def test_no_condition_may_mean_every_lead() -> None:
    builder = ConditionBuilder(CATALOG, data=QueryDict("conditions-shape=0"), may_be_empty=True)
    assert builder.is_valid()
    assert builder.group == Group()


def test_hostile_shapes_are_no_error() -> None:
    for shape in ("", "x", "-1", "99999999999", "1," * 500, "²"):
        builder = ConditionBuilder(CATALOG, data=QueryDict(f"conditions-shape={shape}&conditions-do=remove:9:9"))
        assert not builder.is_valid()
