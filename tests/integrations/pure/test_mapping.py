"""Field mapping: directions, policies, exact money, stable hashes."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.pure.mapping import (
    Change,
    Direction,
    FieldRule,
    MappingError,
    Policy,
    cents,
    changes,
    closing_moment,
    content_hash,
    opportunity_fields,
    overlapping,
    person_fields,
)

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
EARLIER = NOON - timedelta(hours=1)
STAGES = {"proposal": "offer", "won": "won"}


def deal(**fields):
    return {
        "name": "Big", "stage": "proposal", "status": "open", "amount": Decimal("1234.50"), "currency": "EUR",
        "close_on": date(2026, 12, 1), "closed_at": None, "lost_reason": "", "owner_id": "O-1",
    } | fields  # fmt: skip


def test_a_lead_becomes_a_person():
    lead = {"email": None, "first_name": "Ada", "company_size": None, "stage": "mql", "score": 62, "captured_at": NOON}
    assert person_fields(lead) == {
        "email": "", "first_name": "Ada", "company_size": None,
        "properties": {"lead_stage": "mql", "lead_score": 62},
    }  # fmt: skip


def test_a_deal_becomes_an_opportunity():
    assert opportunity_fields(deal(), stages=STAGES) == {
        "name": "Big", "stage": "offer", "status": "open", "amount_cents": 123450, "currency": "EUR",
        "expected_close_on": date(2026, 12, 1), "closed_at": None, "lost_reason": "", "owner_id": "O-1",
    }  # fmt: skip


def test_only_fields_that_differ_are_written():
    ours = opportunity_fields(deal(), stages=STAGES)
    assert opportunity_fields(deal(), stages=STAGES, ours=ours) == {}
    assert opportunity_fields(deal(amount=Decimal("99")), stages=STAGES, ours=ours) == {"amount_cents": 9900}


def test_an_unmapped_stage_is_refused_by_name():
    with pytest.raises(MappingError, match="'odd' is not mapped") as caught:
        opportunity_fields(deal(stage="odd"), stages=STAGES)
    assert caught.value.field == "stage"


# Each row: policy, ours, theirs, who changed last → what a push sends, what a pull writes ("-" for nothing).
TABLE = [
    (Policy.OURS, "a", "b", "theirs", "a", "-"),
    (Policy.OURS, "", "b", "ours", "", "b"),
    (Policy.THEIRS, "a", "b", "ours", "-", "b"),
    (Policy.THEIRS, "a", "", "theirs", "a", ""),
    (Policy.NEWEST, "a", "b", "ours", "a", "-"),
    (Policy.NEWEST, "a", "b", "theirs", "-", "b"),
    (Policy.NEWEST, "a", "b", "both", "a", "-"),
    (Policy.FILL_EMPTY, "a", "b", "theirs", "-", "-"),
    (Policy.FILL_EMPTY, "a", "", "theirs", "a", "-"),
    (Policy.FILL_EMPTY, "", "b", "ours", "-", "b"),
]


@pytest.mark.parametrize(("policy", "ours", "theirs", "last", "pushed", "pulled"), TABLE)
def test_policies_decide_conflicts(policy, ours, theirs, last, pushed, pulled):
    rules = [FieldRule("phone", "phone", Direction.BOTH, policy)]
    at = {"ours_at": EARLIER if last == "theirs" else NOON, "theirs_at": EARLIER if last == "ours" else NOON}
    sent = person_fields({"phone": ours}, rules, theirs={"phone": theirs}, **at)
    read = opportunity_fields(deal(phone=theirs), rules, stages=STAGES, ours={"phone": ours}, **at)
    assert (sent.get("phone", "-"), read.get("phone", "-")) == (pushed, pulled)


def test_directions_are_kept():
    one_way = [FieldRule("a", "a", Direction.PULL, Policy.THEIRS), FieldRule("b", "b", Direction.PUSH)]
    assert person_fields({"a": 1, "b": 2}, one_way) == {"b": 2}
    assert opportunity_fields(deal(a=1, b=2), one_way, stages=STAGES, ours={"a": 0, "b": 0}) == {"a": 1}


@pytest.mark.parametrize(
    ("status", "on", "clicked", "expected"),
    [
        ("open", date(2026, 11, 16), None, None),
        ("won", date(2026, 11, 16), NOON, NOON),
        ("won", date(2026, 11, 15), NOON, NOON - timedelta(days=1)),
        ("won", date(2026, 10, 1), NOON, datetime(2026, 10, 1, 12, tzinfo=UTC)),
        ("lost", date(2026, 10, 1), None, datetime(2026, 10, 1, 12, tzinfo=UTC)),
        ("won", None, NOON, NOON),
        ("won", None, None, None),
    ],
)
def test_the_close_date_rules_and_the_click_refines(status, on, clicked, expected):
    assert closing_moment({"status": status, "close_on": on, "closed_at": clicked}) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(None, None), ("", None), ("0", 0), ("1234.5", 123450), (Decimal("0.10"), 10), (12, 1200), (0.29, 29)],
)
def test_cents_are_exact(amount, expected):
    assert cents(amount) == expected


@pytest.mark.parametrize("amount", ["1.234", "x", "NaN", "Infinity", "1,5"])
def test_money_that_cannot_be_exact_is_refused(amount):
    with pytest.raises(MappingError):
        cents(amount)


def test_changes_are_the_dry_run_diff():
    before = {"a": 1, "properties": {"x": 1, "y": 2}}
    assert changes(before, {"a": 1, "b": 2, "properties": {"x": 3, "y": 2}}) == [
        Change("b", None, 2), Change("properties.x", 1, 3),
    ]  # fmt: skip


def test_hash_is_pinned():
    """A changed hash would re-send every record of every connection once."""
    fields = {"b": 1, "a": "é", "properties": {"on": date(2026, 1, 2), "none": None, "yes": True}}
    assert content_hash(fields) == "10abc234550c431e11f0a0720ea97571b81b3fc32d60f9fbb8ce1194c351b063"


def test_hash_ignores_order_and_spelling_of_numbers_and_zones():
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert content_hash({"a": 1, "b": NOON}) == content_hash({"b": berlin, "a": Decimal("1.00")})
    assert content_hash({"a": 1}) != content_hash({"a": "1"})
    assert content_hash({"a": True}) != content_hash({"a": 1})
    assert content_hash({"a": None}) != content_hash({})


values = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(min_size=1), values), st.randoms())
def test_hash_is_stable_under_any_order(fields, random):
    items = list(fields.items())
    random.shuffle(items)
    assert content_hash(dict(items)) == content_hash(fields)
    assert len(content_hash(fields)) == 64


def test_a_whole_and_its_part_cannot_both_be_mapped() -> None:
    assert overlapping(["email", "properties.score", "properties"]) == "properties"
    assert overlapping(["email", "properties.score", "properties.stage"]) is None
