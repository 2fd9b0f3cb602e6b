"""What rules do to past visits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leads.pure.channels.channel_preview import Visits, placed, preview, sentence
from leads.pure.channels.channels import DEFAULT_RULES, ChannelRule, Visit
from leads.pure.channels.globs import Globs

MAIL = ChannelRule(1, "email", Globs(1, "email", medium="email|newsletter").conditions)
NEWS = ChannelRule(2, "content", Globs(2, "content", medium="news*").conditions)
REST = ChannelRule(3, "direct")
SEEN = [
    Visits(Visit(medium="email"), "email", 7),
    Visits(Visit(medium="newsletter"), "email", 2),
    Visits(Visit(medium="newsletter"), "events", 1),
    Visits(Visit(medium="other"), "direct", 4),
]


def test_what_each_rule_decides_and_who_came_before() -> None:
    found = preview(SEEN, [MAIL, NEWS, REST], [MAIL, NEWS, REST])
    assert [found.tallies[place].caught for place in (1, 2, 3)] == [10, 0, 4]
    assert found.tallies[2].is_shadowed
    assert found.tallies[2].before == {1: 3}
    assert not found.tallies[2].is_dead
    assert not found.moves
    assert (found.touches, found.unexplained, found.unmatched) == (14, 1, 0)


def test_a_moved_rule_moves_only_touches_that_rules_decided() -> None:
    rules = [MAIL, NEWS, REST]
    found = preview(SEEN, rules, placed(rules, replace(NEWS, position=1), 2))
    assert [(move.from_channel, move.to_channel, move.touches) for move in found.moves] == [("email", "content", 2)]
    assert found.moves[0].examples == (SEEN[1],)
    assert found.moved == 2


def test_without_rules_everything_is_other() -> None:
    found = preview(SEEN[:1], [MAIL], [])
    assert found.moves[0].to_channel == "other"
    assert found.unmatched == 7


@pytest.mark.parametrize(
    ("rule", "position", "channels"),
    [
        (ChannelRule(2, "webinar"), None, ["email", "webinar", "content", "direct"]),
        (ChannelRule(99, "webinar"), None, ["email", "content", "direct", "webinar"]),
        (None, 2, ["email", "direct"]),
        (ChannelRule(3, "email"), 1, ["content", "direct", "email"]),
        (ChannelRule(0, "direct"), 3, ["direct", "email", "content"]),
    ],
)
def test_placing(rule: ChannelRule | None, position: int | None, channels: list[str]) -> None:
    found = placed([MAIL, NEWS, REST], rule, position)
    assert [one.channel for one in found] == channels
    assert [one.position for one in found] == list(range(1, len(found) + 1))


def test_rules_are_sentences() -> None:
    assert sentence(MAIL) == "When medium is “email” or is “newsletter”"
    assert sentence(NEWS) == "When medium begins with “news”"
    assert sentence(REST) == "Whatever is left"
    assert sentence(ChannelRule(1, "other", Globs(1, "other", source="?*").conditions)) == "When source is known"
    assert "or one of" in sentence(DEFAULT_RULES[7])
