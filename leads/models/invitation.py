"""People who were invited and have not come yet."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models


class Invitation(models.Model):
    """A link for one person, used once. The person is there already, inactive and without a password.

    The link itself is signed and kept nowhere; another one is sent by moving ``expires_at``.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.OneToOneField("leads.User", on_delete=models.CASCADE, related_name="invitation")
    invited_by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Invitation of {self.user}"

    def is_open(self, at: datetime) -> bool:
        """Whether its link still opens."""
        return self.accepted_at is None and at < self.expires_at
