"""The shape of the restatements answer, for the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

VALUE = {
    "nullable": True,
    "oneOf": [
        {"type": "number"},
        {
            "type": "object",
            "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
            "required": ["amount", "currency"],
        },
    ],
}


@extend_schema_field(VALUE)
class ValueField(serializers.JSONField):
    """A number, or an exact amount of money; null when unknown."""


class ChangedColumn(serializers.Serializer[Any]):
    """A column of a row that changed, in words."""

    of = serializers.CharField(help_text="what kind of row, such as Deal")
    column = serializers.CharField()
    to = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.CharField(allow_null=True), **super().get_fields()}


class RestatedRow(serializers.Serializer[Any]):
    """A row that came, went or changed its amount, and the change that made it."""

    part = serializers.CharField()
    what = serializers.ChoiceField(choices=["came", "went", "changed"])
    name = serializers.CharField(allow_null=True, help_text="only for keys that may read leads")
    path = serializers.CharField(allow_null=True, help_text="the row's page in the portal")
    amount = serializers.CharField(help_text="what it added to its part")
    changed = ChangedColumn(many=True)
    at = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_null=True)
    door = serializers.CharField(allow_null=True)
    because = serializers.CharField(allow_null=True)


class RestatedPart(serializers.Serializer[Any]):
    """A part of a ratio, a median or the split."""

    name = serializers.CharField()
    published = serializers.CharField()
    current = serializers.CharField()
    change = serializers.CharField()


class RestatedCause(serializers.Serializer[Any]):
    """One kind of cause. Effects add up to the change, with the interaction where there is one."""

    key = serializers.CharField()
    text = serializers.CharField()
    is_correction = serializers.BooleanField(help_text="false: only time has passed, or the definition changed")
    effect = ValueField(help_text="the sum of its rows; of a ratio or median what it alone would have made")
    count = serializers.IntegerField()
    rows = RestatedRow(many=True)
    unlisted = serializers.IntegerField(help_text="rows beyond those listed")


class RestatedNumber(serializers.Serializer[Any]):
    """A figure of the report whose current value differs."""

    figure = serializers.CharField()
    item = serializers.CharField(
        allow_null=True, help_text="a campaign's id, a part of the split, or target: the figure's target"
    )
    name = serializers.CharField()
    unit = serializers.CharField()
    published = ValueField()
    current = ValueField()
    change = ValueField()
    interaction = ValueField(help_text="what only the meeting of several causes made")
    is_correction = serializers.BooleanField()
    noticed_at = serializers.DateTimeField()
    summary = serializers.CharField(allow_null=True, help_text="of looks from before rows were compared")
    note = serializers.CharField(allow_null=True, help_text="where rows cannot be compared: why")
    parts = RestatedPart(many=True)
    causes = RestatedCause(many=True)


class RestatementsAnswer(serializers.Serializer[Any]):
    """Everything that was restated of one report, by the newest look."""

    week = serializers.CharField()
    published_at = serializers.DateTimeField()
    as_of = serializers.DateTimeField()
    currency = serializers.CharField()
    restatements = RestatedNumber(many=True)
