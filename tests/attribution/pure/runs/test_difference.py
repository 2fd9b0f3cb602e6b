"""What a run says it changed, worked out by hand."""

from typing import Any

import numpy as np

from attribution.pure.runs.difference import CAUSES, FACTS, Ledger, causes, named_deals, report, summarize

METHODS = ["first_touch", "linear"]


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def names(bits: int) -> set[str]:
    return {cause for place, cause in enumerate(CAUSES) if bits >> place & 1}


def test_causes_of_each_deal() -> None:
    before = {name: ints(1, 1, 1, 1, 1, 1) for name in FACTS}
    now = {name: ints(1, 1, 1, 1, 1, 1) for name in FACTS}
    now["amount_cents"] = ints(1, 2, 1, 1, 1, 1)
    now["closed_at"] = ints(1, 2, 1, 1, 1, 1)
    now["contacts_key"] = ints(1, 1, 2, 1, 1, 1)
    now["people_key"] = ints(1, 1, 2, 2, 1, 1)
    known = np.array([False, True, True, True, True, True])
    found = causes(before, now, known, is_other_rules=False, is_other_fit=False).tolist()
    assert [names(bits) for bits in found] == [
        {"new_opportunity"},
        {"amount", "stage"},
        {"contacts"},
        {"merges"},
        {"touches"},
        {"touches"},
    ]
    found = causes(before, now, known, is_other_rules=True, is_other_fit=True).tolist()
    assert names(found[0]) == {"new_opportunity"}
    assert names(found[4]) == {"rules", "fit"}


def test_money_that_moved_by_its_first_cause() -> None:
    bits = ints(1 << CAUSES.index("amount") | 1 << CAUSES.index("stage"), 1 << CAUSES.index("touches"))
    # The first deal grows by 50 for campaign 3; the second moves 40 from campaign 3 to nobody, under linear alone.
    before = Ledger.of([(ints(0, 0, 1, 1), ints(0, 1, 0, 1), ints(3, 3, 3, 3), ints(100, 100, 40, 40))])
    after = Ledger.of([(ints(0, 0, 1, 1), ints(0, 1, 0, 1), ints(3, 3, 3, -1), ints(150, 150, 40, 40))])
    summary = summarize(ints(70, 71), bits, before, after, METHODS)
    assert summary["changed"] == 2
    assert summary["causes"] == {"amount": 1, "stage": 1, "touches": 1}
    assert sorted(summary["cells"]) == [
        ["amount", "first_touch", 3, 50],
        ["amount", "linear", 3, 50],
        ["touches", "linear", -1, 40],
        ["touches", "linear", 3, -40],
    ]
    assert summary["deals"] == [[70, "amount", "first_touch", 50], [71, "touches", "linear", 40]]
    assert sorted(named_deals([summary])) == [70, 71]
    told = report([summary], {3: ("Spring", "uid-3")}, {70: "uid-70", 71: "uid-71"})
    assert told["opportunities_changed"] == 2
    linear = told["methods"]["linear"]
    assert (linear["gained_cents"], linear["lost_cents"]) == (50, 0)  # 40 for nobody, 10 more for Spring
    assert {entry["campaign"]: entry["cents"] for entry in linear["campaigns"]} == {"": 40, "Spring": 10}
    assert told["by_cause"]["touches"]["linear"]["lost_cents"] == 40
    assert told["moves"] == {"first_touch": [[3, 50]], "linear": [[-1, 40], [3, 10]]}


def test_parts_of_a_run_add_up() -> None:
    one = summarize(ints(1), ints(1), Ledger.of([]), Ledger.of([(ints(0), ints(0), ints(3), ints(7))]), METHODS)
    told = report([one, one], {3: ("Spring", "uid")}, {1: "uid-1"})
    assert told["causes"] == {"new_opportunity": 2}
    assert told["methods"]["first_touch"]["gained_cents"] == 14


def test_nothing_changed() -> None:
    empty = summarize(ints(), ints(), Ledger.of([]), Ledger.of([]), METHODS)
    told = report([empty], {}, {})
    assert (told["opportunities_changed"], told["causes"], told["methods"]) == (0, {}, {})
