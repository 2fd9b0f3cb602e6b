"""Rules that rejections propose: clear ones, with what they would have cost, and nothing that chance explains."""

from __future__ import annotations

from leads.pure.proposed_rules import Decided, Proposal, conditions_of, proposals, words


def mqls(count: int, rejected: int, sqls: int = 0, reason: str = "bad_fit", **facts: object) -> list[Decided]:
    """So many answered MQLs of these facts; the last ones were accepted, and became SQLs."""
    made = [Decided(facts, is_rejected=True, reason=reason) for _ in range(rejected)]
    accepted = count - rejected
    return made + [Decided(facts, is_rejected=False, is_sql=place < sqls) for place in range(accepted)]


def good(count: int = 200) -> list[Decided]:
    return mqls(count, count // 4, count // 2, company_size=300, channel="webinar", country="DE", account=1)


def said(found: list[Proposal]) -> list[str]:
    return [words(each.conditions, {("channel", "display"): "Display"}) for each in found]


def test_small_companies_of_one_source_stand_out() -> None:
    small = mqls(50, 42, 2, company_size=6, channel="display", country="DE", account=1)
    # Other small companies, and other leads of that source, are as good as any.
    others = mqls(60, 15, 20, company_size=6, channel="webinar", country="DE", account=1)
    others += mqls(60, 15, 20, company_size=300, channel="display", country="DE", account=1)
    found = proposals([*good(), *small, *others])
    assert said(found) == ["source Display and company size below 10"]
    best = found[0]
    assert (best.decided, best.rejected, best.sqls, best.all_sqls) == (50, 42, 2, 142)
    assert best.reasons == (("bad_fit", 42),)
    assert best.interval.low < 0.84 < best.interval.high


def test_one_condition_alone_is_preferred() -> None:
    bad = mqls(30, 29, 0, company_size=400, channel="display", country="DE", account=1)
    assert said(proposals([*good(), *bad])) == ["source Display"]


def test_too_few_and_too_good_are_not_proposed() -> None:
    few = mqls(19, 19, company_size=5, channel="display", country="DE", account=1)
    assert proposals([*good(), *few]) == []
    with_sqls = mqls(40, 34, 6, company_size=5, channel="display", country="DE", account=1)
    assert proposals([*good(), *with_sqls]) == []
    assert proposals([]) == []


def test_where_everything_is_rejected_nothing_stands_out() -> None:
    alike = mqls(100, 60, 10, channel="display", country="DE", company_size=300, account=1)
    assert proposals(alike + mqls(100, 60, 10, channel="webinar", country="DE", company_size=300, account=1)) == []


def test_conditions_of_a_lead() -> None:
    assert list(conditions_of({"channel": "display", "company_size": 30})) == [
        ("channel", "is", "display"),
        ("company_size", "below", "50"),
        ("company_size", "below", "200"),
        ("account", "missing", ""),
    ]
    assert (
        words([("company_size", "missing", ""), ("country", "is", "DE")], {}) == "company size unknown and country DE"
    )
