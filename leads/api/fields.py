"""Serializer fields that take exactly what the contract says: no number for a text, no text for a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from leads.pure.money import InvalidAmount, check_currency, to_cents
from leads.pure.spelling.identity import InvalidCountry, InvalidEmail, normalize_country, normalize_email
from leads.pure.spelling.phones import InvalidPhone, clean_phone
from leads.pure.spelling.texts import clean_text, is_placeholder
from leads.pure.week import LATEST_YEAR, OLDEST_YEAR

# Clocks of well-kept machines differ by seconds; more than this is a mistake in the sender's time zone.
CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WEB = re.compile(r"https?://[^\s/?#]+", re.IGNORECASE)
_REFERRER = re.compile(r"(https?|android-app|ios-app)://[^\s/?#]+|[\w.-]+\.[a-z]{2,}(/\S*)?$", re.IGNORECASE | re.ASCII)


_ASKED_BEFORE = (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members it does not know, by name, and anything but an object."""

    default_error_messages = {"invalid": "Must be an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            # Under a name: of a body, the library takes nothing but an object of errors.
            raise serializers.ValidationError({"non_field_errors": ["Must be an object."]}, code="invalid")
        unknown = [name for name in data if name not in self.fields]
        errors: dict[str, Any] = {
            str(name): [serializers.ErrorDetail("This member is unknown.", code="unknown")] for name in unknown
        }
        # null means the same as leaving an optional member out: many senders cannot leave anything out.
        given = {name: value for name, value in data.items() if value is not None or self._is_required(name)}
        try:
            value: dict[str, Any] = super().to_internal_value(given)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                errors = {**error.detail, **errors}
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _is_required(self, name: str) -> bool:
        return name in self.fields and self.fields[name].required


class StrictChar(serializers.CharField):
    """A text; numbers and booleans are refused. Empty means not given."""

    default_error_messages = {"invalid": "Must be a text."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, **options})
        # NUL and halves of surrogate pairs do not come past `leads.api.parsers`; a batch has 20,000 texts.
        self.validators = [each for each in self.validators if not isinstance(each, _ASKED_BEFORE)]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Words(StrictChar):
    """A text of one line without invisible signs; what only says that there is nothing (``-``, ``N/A``) is empty."""

    def to_internal_value(self, data: Any) -> str:
        text = clean_text(super().to_internal_value(data))
        return "" if is_placeholder(text) else text


class Phone(Words):
    """A telephone number as it was written. One that a spreadsheet shortened is refused: its digits are lost."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return clean_phone(super().to_internal_value(data))
        except InvalidPhone as error:
            raise serializers.ValidationError(str(error), code="invalid_phone") from error


@extend_schema_field(OpenApiTypes.EMAIL)
class Email(Words):
    """One email address, returned in its normalized spelling; empty means not given."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return normalize_email(text) if text else ""
        except InvalidEmail as error:
            raise serializers.ValidationError(str(error), code="invalid_email") from error


class Country(Words):
    """A country by code or name, returned as its two-letter code in capitals."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return normalize_country(text) if text else ""
        except InvalidCountry as error:
            raise serializers.ValidationError(str(error), code="invalid_country") from error


class WebAddress(StrictChar):
    """An http or https address; ``is_referrer`` also allows a bare host name and what apps send."""

    def __init__(self, *, is_referrer: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.is_referrer = is_referrer

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and not (_REFERRER if self.is_referrer else _WEB).match(text):
            raise serializers.ValidationError("Must be an address such as https://example.com/.", code="invalid_url")
        return text


class StrictInteger(serializers.IntegerField):
    """A JSON integer; texts, booleans and fractions are refused."""

    default_error_messages = {"invalid": "Must be an integer."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class StrictChoice(serializers.ChoiceField):
    """One of the given texts; anything that is not a text is refused rather than looked up."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.", code="invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, Any, str, Any]):
    """A moment of the past (RFC 3339 with an offset), returned in UTC. Compared with ``context["at"]``."""

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not (match := _RFC3339.fullmatch(data)):
            raise self._invalid("Must be a moment such as 2026-11-16T09:30:00+01:00.", "invalid_time")
        if match[2] is None:
            raise self._invalid("The time lacks an offset such as +01:00 or Z.", "no_offset")
        try:
            moment = datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self._invalid("There is no such moment.", "invalid_time") from error
        if moment < EARLIEST:
            raise self._invalid("The time is before the year 2000.", "too_old")
        if moment > self.context["at"] + CLOCK_SKEW:
            raise self._invalid("The time is in the future.", "in_future")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()

    @staticmethod
    def _invalid(detail: str, code: str) -> serializers.ValidationError:
        return serializers.ValidationError(detail, code=code)


@extend_schema_field(OpenApiTypes.DATE)
class Day(serializers.Field[date, Any, str, Any]):
    """A calendar day of the company's time zone."""

    def to_internal_value(self, data: Any) -> date:
        try:
            day = date.fromisoformat(data) if isinstance(data, str) and _DAY.fullmatch(data) else None
        except ValueError:
            day = None
        if day is None or not OLDEST_YEAR <= day.year <= LATEST_YEAR:
            raise serializers.ValidationError("Must be a day such as 2026-11-16.", code="invalid_day")
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()


class MoneyInput(StrictSerializer):
    """An exact amount; ``cents`` are in the smallest unit of its currency."""

    amount = StrictChar(max_length=40, help_text='as text, such as "1234.50"')
    currency = StrictChar(max_length=3, help_text="such as EUR")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        at_fault = "currency"
        try:
            check_currency(attrs["currency"])
            at_fault = "amount"
            return {**attrs, "cents": to_cents(attrs["amount"], attrs["currency"])}
        except InvalidAmount as error:
            raise serializers.ValidationError({at_fault: [str(error)]}, code="invalid_amount") from error
