"""Proposals follow what each vendor says of its stages; without a fact there is none."""

from __future__ import annotations

import pytest

from integrations.pure.stage_proposals import StageFacts, propose_stages

OURS = [
    StageFacts("qualified", "Qualified", "open", 0.1),
    StageFacts("demo", "Demo", "open", 0.3),
    StageFacts("proposal", "Proposal", "open", 0.5),
    StageFacts("negotiation", "Negotiation", "open", 0.8),
    StageFacts("won", "Won", "won", 1.0),
    StageFacts("lost", "Lost", "lost", 0.0),
]


def proposed(*theirs: StageFacts) -> dict[str, str]:
    return {key: each.key for key, each in propose_stages(theirs, OURS).items()}


def test_flags_names_and_probabilities_each_propose_and_say_so() -> None:
    salesforce = [
        StageFacts("p", "Prospecting", "open", 0.1),
        StageFacts("v", "Value Proposition", "open", 0.35),
        StageFacts("q", "Proposal/Price Quote", "open", 0.75),
        StageFacts("n", "Negotiation/Review", "open", 0.9),
        StageFacts("w", "Closed Won", "won", 1.0),
        StageFacts("l", "Abandoned", "lost", 0.0),
    ]
    found = propose_stages(salesforce, OURS)
    assert {key: each.key for key, each in found.items()} == {
        "p": "qualified", "v": "demo", "q": "proposal", "n": "negotiation", "w": "won", "l": "lost",
    }  # fmt: skip
    assert found["v"].reason == "35% in the CRM; Demo, with 30%, is the nearest here."
    assert found["q"].reason == "Both names say “proposal”."
    assert found["l"].reason == "Lost in the CRM, and Lost is the only such stage here."


@pytest.mark.parametrize("probability", [None, 0.0])
def test_without_a_fact_there_is_no_proposal(probability: float | None) -> None:
    assert proposed(StageFacts("1", "Legal", "open", probability), StageFacts("2", "Sales: Demos", "open", None)) == {
        "2": "demo"
    }
    two = [*OURS, StageFacts("won2", "Expanded", "won", 1.0)]
    assert propose_stages([StageFacts("w", "Closed", "won", 1.0)], two) == {}
