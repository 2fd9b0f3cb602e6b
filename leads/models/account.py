"""Companies we sell to."""

from __future__ import annotations

import uuid

from django.db import models

from leads.models.prefix import PrefixKey
from leads.past.registry import versioned


@versioned(is_followed=True)
class Account(models.Model):
    """A company, known by its e-mail domain; free-mail domains never make an account."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, null=True, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    company_size = models.PositiveIntegerField(null=True, blank=True)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=80, blank=True)
    owner = models.ForeignKey(
        "leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="owned_accounts"
    )
    attributes = models.JSONField(default=dict, blank=True, help_text="further columns of imported files")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain"], name="account_domain_unique")]
        indexes = [models.Index(PrefixKey(field), name=f"account_{field}_prefix") for field in ("name", "domain")]

    def __str__(self) -> str:
        return self.name
