"""What sales answers to the MQLs of each campaign and source: rates with intervals, and the reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from django.db.models import Exists, F, OuterRef

from leads.figures.base import NO_CAMPAIGN, Scope
from leads.figures.handover import decisions
from leads.models import Campaign, Channel, LifecyclePassage, RejectionReason, Stage
from leads.pure.intervals import Interval, wilson
from leads.pure.proposed_rules import Decided, Proposal, proposals
from leads.pure.week import Period

LOOK_BACK = timedelta(days=365)
By = Literal["campaign", "channel"]


@dataclass(slots=True)
class Feedback:
    """One campaign or source with all below it: how many MQLs sales answered, and how."""

    key: str
    name: str
    scope: Scope
    accepted: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def decided(self) -> int:
        """Accepted or rejected."""
        return self.accepted + self.rejected

    @property
    def rate(self) -> float:
        """Share rejected."""
        return self.rejected / self.decided if self.decided else 0.0

    @property
    def interval(self) -> Interval:
        """Where the share lies with 95% confidence."""
        return wilson(self.rejected, self.decided)

    @property
    def named_reasons(self) -> list[tuple[str, int]]:
        """The most frequent reasons in words."""
        return [(str(RejectionReason(reason).label), count) for reason, count in self.reasons.most_common(3)]


def feedback(scope: Scope, by: By) -> list[Feedback]:
    """Every campaign or source with answered MQLs in the scope, the most rejections first; two queries.

    Each counts all below it, as the figures do that it opens; so rows of a tree are not summed.
    """
    path = f"lead__{by}"
    rows = decisions(scope).order_by().values_list(path, "to_stage", "reason")
    nodes = {
        node.pk: (node.parent_id, str(node.public_id) if isinstance(node, Campaign) else node.key, node.name)
        for node in (Campaign if by == "campaign" else Channel)._default_manager.all()
    }
    found: dict[int | None, Feedback] = {}
    for node, to_stage, reason in rows:
        for each in _upward(node, nodes):
            entry = found.get(each) or found.setdefault(each, _entry(each, nodes, scope, by))
            if to_stage == Stage.SAL:
                entry.accepted += 1
            else:
                entry.rejected += 1
                entry.reasons[reason] += 1
    return sorted(found.values(), key=lambda each: (-each.rejected, -each.decided, each.name))


def _upward(node: int | None, nodes: dict[int, tuple[int | None, str, str]]) -> list[int | None]:
    path: list[int | None] = [node]
    while node is not None and (node := nodes[node][0]) is not None:
        path.append(node)
    return path


def _entry(node: int | None, nodes: dict[int, tuple[int | None, str, str]], scope: Scope, by: By) -> Feedback:
    if node is None:
        key, name = (NO_CAMPAIGN, "No campaign") if by == "campaign" else ("", "No source")
    else:
        _, key, name = nodes[node]
    narrowed = replace(scope, campaign=key) if by == "campaign" else replace(scope, channel=key)
    return Feedback(key, name, narrowed)


def decided_mqls(scope: Scope) -> list[Decided]:
    """MQLs of the last year that sales answered, each with its facts and what became of it."""
    year = replace(scope, period=Period(scope.at - LOOK_BACK, scope.at))
    later = LifecyclePassage.objects.filter(
        lead=OuterRef("lead"), to_stage=Stage.SQL, passed_at__gte=OuterRef("passed_at"), passed_at__lte=scope.at
    )
    keys = {pk: str(key) for pk, key in Campaign.objects.values_list("pk", "public_id")}
    rows = decisions(year).annotate(
        became_sql=Exists(later),
        channel=F("lead__channel__key"),
        campaign=F("lead__campaign"),
        industry=F("lead__industry"),
        account_industry=F("lead__account__industry"),
        country=F("lead__country"),
        size=F("lead__company_size"),
        account_size=F("lead__account__company_size"),
        account=F("lead__account"),
    )
    told = rows.values_list(
        "to_stage", "reason", "became_sql", "channel", "campaign", "industry", "account_industry", "country",
        "size", "account_size", "account",
    )  # fmt: skip
    return [
        Decided(
            {
                "channel": channel,
                "campaign": keys.get(campaign),
                "industry": industry or account_industry,
                "country": country,
                "company_size": size if size is not None else account_size,
                "account": account,
            },
            is_rejected=to_stage != Stage.SAL,
            reason=reason,
            is_sql=became_sql,
        )
        for (
            to_stage, reason, became_sql, channel, campaign, industry, account_industry, country, size,
            account_size, account,
        ) in told
    ]  # fmt: skip


def proposed(scope: Scope) -> list[Proposal]:
    """Rules that a year of answers proposes."""
    return proposals(decided_mqls(scope))
