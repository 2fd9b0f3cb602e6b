"""Two leads that turned out to be one person."""

from __future__ import annotations

from django.db import models

from leads.past.registry import versioned


@versioned()
class LeadMerge(models.Model):
    """A merge as it was done, with everything needed to take it back exactly. Append-only but for the taking back.

    ``before`` and ``after`` hold the survivor's columns that changed, ``lost`` those of the other lead as they were;
    ``moved`` the ids of the rows that changed hands, by table.
    """

    survivor = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="merges_won")
    loser = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="merges_lost")
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    merged_at = models.DateTimeField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    lost = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser"], condition=models.Q(undone_at__isnull=True), name="merge_once_per_loser"
            ),
            models.CheckConstraint(condition=~models.Q(survivor=models.F("loser")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.loser} into {self.survivor}"
