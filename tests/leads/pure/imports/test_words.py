"""What the words of a file mean: channels, stages, consents, opt-outs, and whether somebody came."""

from __future__ import annotations

import pytest

from leads.pure.imports.cells import RowRefused
from leads.pure.imports.fields import ATTENDANCE
from leads.pure.imports.words import DealStage, guess_deal_stage
from tests.leads.pure.imports.parsing import parse


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("Paid Search", "paid-search"),
        ("direct-traffic", "direct"),
        ("unknown", "other"),
        ("", "other"),
        ("tv", "other"),
    ],
)
def test_channel_words(word: str, channel: str) -> None:
    lead = parse(external_id="a", channel=word)
    assert lead.channel == channel
    assert lead.attributes == ({"channel": word} if word else {})


@pytest.mark.parametrize("answer", ["no", "Nein", "FALSE", "0", ""])
def test_no_consent_is_none(answer: str) -> None:
    assert parse(external_id="a", consent=answer).consent is None


def test_a_plain_yes_is_kept_with_the_name_of_its_column() -> None:
    lead = parse(external_id="a", consent="ja", occurred_at="2026-02-01")
    assert lead.consent is not None
    assert lead.consent.text == "consent: ja"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            "I agree to receive news and may withdraw at any time",
            "I agree to receive news and may withdraw at any time",
        ),
        ("Freely given consent from contact", "Freely given consent from contact"),
        ("Subscribed", "consent: Subscribed"),
        ("✔", "consent: ✔"),
    ],
)
def test_what_says_that_somebody_agreed(answer: str, text: str) -> None:
    lead = parse(external_id="a", consent=answer, consent_at="2026-02-01")
    assert lead.consent.text == text


@pytest.mark.parametrize(
    "answer",
    ["Unsubscribed", "opted out", "denied", "No thanks", "No, I do not want mail", "withdrawn 2026-05-01", "pending",
     "✗", "0.0", "has not consented", "Legitimate interest – prospect/lead", "Nicht erteilt"],
)  # fmt: skip
def test_what_refuses_is_no_consent(answer: str) -> None:
    assert parse(external_id="a", consent=answer, consent_at="2026-02-01").consent is None


@pytest.mark.parametrize("answer", ["GDPR", "Newsletter", "ok"])
def test_words_that_nobody_can_have_agreed_to_are_refused(answer: str) -> None:
    with pytest.raises(RowRefused) as refusal:
        parse(external_id="a", consent=answer, consent_at="2026-02-01")
    assert refusal.value.field == "consent"


@pytest.mark.parametrize(("text", "is_out"), [("Unsubscribed", True), ("opted-in", False), ("☑", True), ("", None)])
def test_a_column_of_opt_outs_has_words_of_its_own(text: str, is_out: bool | None) -> None:
    assert parse(external_id="a", unsubscribed=text).is_unsubscribed is is_out


@pytest.mark.parametrize(
    ("cells", "has_come"),
    [
        ({"attended": "Yes"}, True),
        ({"attended": "Attended"}, True),
        ({"attended": "No-Show"}, False),
        ({"attended": "Cancelled"}, False),
        ({"attended": "Nicht teilgenommen"}, False),
        ({"attended": "", "minutes": "12 min"}, True),
        ({"attended": "--", "minutes": "--"}, False),
        ({"attended": "Yes", "minutes": "0"}, False),
    ],
)
def test_who_came(cells: dict[str, str], has_come: bool) -> None:
    assert parse(ATTENDANCE, email="ada@a.example", **cells).has_come is has_come


def test_a_word_that_does_not_say_whether_somebody_came_is_refused() -> None:
    with pytest.raises(RowRefused) as refusal:
        parse(ATTENDANCE, email="ada@a.example", attended="perhaps")
    assert refusal.value.field == "attended"


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Closed Won - Renewal", "won"), ("Deal won", "won"), ("Contract signed", "won"),
        ("Lost to competitor", "lost"),
        ("Disqualified", "lost"), ("Unqualified", "lost"), ("No decision", "lost"), ("Kein Interesse", "lost"),
        ("Renewal", ""), ("Not Won", ""), ("Wonder", ""), ("New", "qualification"), ("Contract Sent", "negotiation"),
    ],
)  # fmt: skip
def test_how_a_stage_ended_goes_before_what_it_sounds_like(word: str, key: str) -> None:
    names = {"qualification": "open", "proposal": "open", "negotiation": "open", "won": "won", "lost": "lost"}
    stages = [DealStage(name, name.title(), status) for name, status in names.items()]
    assert guess_deal_stage(word, stages) == key
