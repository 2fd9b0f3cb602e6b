"""Changes: one row per transaction that wrote a fact."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from leads.past.acting import Door
from leads.past.moments import from_micros
from leads.past.registry import dated
from leads.past.snapshot import LONG


@dated()
class Change(models.Model):
    """Who wrote what in one transaction, when, through which door. Only the database's triggers write it.

    Versions of facts name the change that made them and the one that ended them. ``at`` is the moment of the commit
    (in microseconds since 1970), so that a long transaction belongs to the moment when others could first see it.
    In the past all changes are there: whoever lists them asks up to that moment.
    """

    began_at = models.BigIntegerField()
    at = models.BigIntegerField()
    door = models.CharField(max_length=12, choices=[(door.value, door.name.title()) for door in Door])
    # Not a foreign key: a person's rows may go, what they did stays.
    actor = models.BigIntegerField(null=True)
    source = models.CharField(max_length=120)
    because = models.CharField(max_length=200)
    is_backdated = models.BooleanField(default=False)

    class Meta:
        # The last three find what was visible at a moment (`leads.past.snapshot`).
        indexes = [
            models.Index(fields=["at", "id"], name="change_at"),
            models.Index(fields=["is_backdated", "at", "id"], name="change_kind"),
            models.Index(fields=["id", "at"], condition=models.Q(is_backdated=True), name="change_backdated"),
            models.Index(
                fields=["at", "id"], condition=models.Q(at__gt=models.F("began_at") + LONG), name="change_long"
            ),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}, {self.moment:%Y-%m-%d %H:%M}"

    @property
    def moment(self) -> datetime:
        """When it became visible."""
        return from_micros(self.at)
