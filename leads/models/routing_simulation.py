"""Simulations of drafts: what a version of the rules would do with the leads of the last 13 weeks."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse


class RoutingSimulation(models.Model):
    """One run of a version over past leads; ``result`` holds counts, see `leads.pure.routing_result`."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey("leads.RoutingVersion", on_delete=models.CASCADE, related_name="simulations")
    since = models.DateTimeField()
    until = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="of the rules that were tried")
    job = models.OneToOneField("leads.JobRun", on_delete=models.PROTECT, related_name="routing_simulation")
    result = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Simulation of {self.version}, {self.created_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("leads:routing-simulation", args=[self.public_id])


class SimulatedLead(models.Model):
    """Where a lead would go; ``moves`` marks those that would get another owner or territory."""

    simulation = models.ForeignKey("leads.RoutingSimulation", on_delete=models.CASCADE, related_name="leads")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    is_open = models.BooleanField()
    moves = models.BooleanField()
    rule = models.ForeignKey("leads.TerritoryRule", on_delete=models.SET_NULL, null=True, related_name="+")
    from_territory = models.ForeignKey("leads.Territory", on_delete=models.SET_NULL, null=True, related_name="+")
    to_territory = models.ForeignKey("leads.Territory", on_delete=models.SET_NULL, null=True, related_name="+")
    from_owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    to_owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    because = models.CharField(max_length=400)
    passed_over = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["simulation", "lead"], name="simulated_lead_once"),
        ]
        indexes = [models.Index(fields=["simulation", "moves"], name="simulated_lead_moves")]

    def __str__(self) -> str:
        return f"{self.lead}: {self.to_territory}, {self.to_owner}"
