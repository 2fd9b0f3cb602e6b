"""Who is in a campaign without having been reached by it yet, and what counts as a response."""

from __future__ import annotations

from django.db import models

from leads.past.registry import versioned


@versioned()
class CampaignMember(models.Model):
    """A person who was added to a campaign. Whoever has a touchpoint of it is a member anyway, without a row."""

    campaign = models.ForeignKey("leads.Campaign", on_delete=models.PROTECT, related_name="members")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="campaign_memberships")
    added_at = models.DateTimeField()
    because = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "lead"], name="campaign_member_once")]

    def __str__(self) -> str:
        return f"{self.lead} in {self.campaign}"


@versioned()
class CampaignResponse(models.Model):
    """Which kinds of touchpoint count as a response to a campaign; without a row the usual ones do."""

    campaign = models.OneToOneField("leads.Campaign", on_delete=models.CASCADE, related_name="response")
    kinds = models.JSONField(default=list)
    saved_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"responses to {self.campaign}"
