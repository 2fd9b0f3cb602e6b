"""The charts of the campaign table."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.figures.campaign_table import BASIC_METHODS, CampaignTable
from attribution.pure.methods import Method
from leads.figures.base import Scope
from leads.pure import words
from leads.pure.charts import Chart, hbars, shares

BARS = 10
PARTS = 7


def best_campaigns(table: CampaignTable, scope: Scope) -> Chart:
    """Revenue beside cost of the campaigns that earned most."""
    leaves = [node for channel in table.channels for _, node in channel.walk() if node.kind == "campaign"]
    best = sorted(leaves, key=lambda node: -node.revenue[scope.method])[:BARS]
    groups = [(node.name, (node.revenue[scope.method], node.cost)) for node in best if node.revenue[scope.method]]
    return hbars(
        groups,
        series=("Attributed revenue", "Cost"),
        title=f"The {BARS} campaigns with the most attributed revenue",
        of="Campaign",
        words=lambda cents: words.money_short(round(cents), scope.currency),
    )


def credit_by_method(table: CampaignTable, scope: Scope, known: Sequence[Method], *, is_side_by_side: bool) -> Chart:
    """Who gets the credit, by method: all of them, or the chosen one beside the basic ones."""
    methods = [each for each in known if is_side_by_side or each.key in {*BASIC_METHODS, scope.method}]
    # The channels that matter under any method, in one order for all.
    weight = {id(node): max(node.revenue[each.key] for each in methods) for node in table.channels}
    order = sorted((node for node in table.channels if weight[id(node)] > 0), key=lambda node: -weight[id(node)])
    large, small = order[:PARTS], order[PARTS:]
    names = [node.name for node in large] + ["Other channels"] * bool(small)
    rows = []
    for each in methods:
        parts = [node.revenue[each.key] for node in large]
        parts += [sum(node.revenue[each.key] for node in small)] * bool(small)
        rows.append((each.name, [max(cents, 0) for cents in (*parts, table.unattributed[each.key])]))
    has_baseline = any(each.has_baseline for each in methods)
    return shares(
        rows,
        series=[*names, "Baseline and unattributed" if has_baseline else "Unattributed"],
        title="Who gets the credit, by model",
        of="Model",
        words=lambda cents: words.money_short(round(cents), scope.currency),
        percent=lambda share: words.share(share, 0),
        has_rest=True,
        highlight=next(each.name for each in methods if each.key == scope.method),
        width=1080 if is_side_by_side else 520,
    )
