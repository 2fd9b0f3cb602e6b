"""JSON in: what costs more to answer than to send is refused early."""

from __future__ import annotations

import io
import json
import time

import pytest
from rest_framework.exceptions import ParseError

from leads.api.parsers import MAX_MEMBERS, StrictJSONParser


def parse(body: str) -> object:
    return StrictJSONParser().parse(io.BytesIO(body.encode()))


def test_an_object_may_have_many_members_but_not_any_number() -> None:
    assert parse(json.dumps({str(n): n for n in range(MAX_MEMBERS)}))
    with pytest.raises(ParseError, match="more than 100 members"):
        parse(json.dumps({str(n): n for n in range(MAX_MEMBERS + 1)}))


def test_a_member_given_twice_among_very_many_is_refused_at_once() -> None:
    """Looking for the name in the list of names again and again would hold a process for minutes."""
    body = "{" + ",".join(f'"k{n}":1' for n in range(50_000)) + ',"k49999":2}'
    began = time.process_time()
    with pytest.raises(ParseError):
        parse(body)
    assert time.process_time() - began < 2


def test_the_member_given_twice_is_named() -> None:
    with pytest.raises(ParseError, match="'email' is given twice"):
        parse('{"email": "a@example.com", "email": "b@example.com"}')
