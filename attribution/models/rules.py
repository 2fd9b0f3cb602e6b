"""What an admin sets about journeys and methods."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from leads.past.registry import versioned


class JourneyScope(models.TextChoices):
    """Whose touches make up a deal's journey."""

    CONTACTS = "contacts", "All contacts of the deal"
    PRIMARY = "primary", "The primary contact"
    ACCOUNT = "account", "Everybody of the account"


class Milestone(models.TextChoices):
    """The named conversion a journey leads to; later touches take no part."""

    CLOSED = "closed", "Deal closed"
    OPPORTUNITY = "opportunity", "Opportunity created"
    LEAD = "lead", "Lead created"


class SourcedTest(models.TextChoices):
    """When marketing is said to have originated a deal."""

    FIRST_TOUCH = "first_touch", "First touch is marketing's and precedes the first sales activity"
    LEAD_CREATION = "lead_creation", "The touchpoint that made the first contact known is marketing's"
    OPPORTUNITY_CREATION = (
        "opportunity_creation",
        "A marketing touchpoint in the 90 days before the opportunity was created",
    )


def default_scopes() -> list[str]:
    return [JourneyScope.CONTACTS.value]


@versioned(untracked=["held_by", "held_until"])
class AttributionRules(models.Model):
    """What an admin sets about journeys, and who is computing now. Exactly one row, made by migration.

    A run holds the row by a lease (``held_by``, ``held_until``) and gives it back with its credits: two runs cannot
    interleave, and a crashed one blocks the next no longer than its lease.
    """

    scope = models.CharField(max_length=8, choices=JourneyScope.choices, default=JourneyScope.CONTACTS)
    kept_scopes = models.JSONField(
        default=default_scopes,
        help_text="scopes whose credits are computed and kept; the scope above is always among them",
    )
    milestone = models.CharField(max_length=12, choices=Milestone.choices, default=Milestone.CLOSED)
    half_life_days = models.FloatField(default=7.0, help_text="time decay: credit halves with every so many days")
    suppressed_channels = models.ManyToManyField(
        "leads.Channel", blank=True, related_name="+", help_text="touchpoints of these channels never count"
    )
    sourced_test = models.CharField(max_length=20, choices=SourcedTest.choices, default=SourcedTest.FIRST_TOUCH)
    sourced_locked_at = models.DateTimeField(
        null=True, blank=True, help_text="both owners agreed on the test; to change it, unlock it with a reason"
    )
    held_by = models.UUIDField(null=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "attribution rules"
        verbose_name_plural = "attribution rules"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="attribution_rules_single_row"),
            models.CheckConstraint(condition=Q(half_life_days__gt=0), name="attribution_half_life_positive"),
            models.CheckConstraint(condition=Q(scope__in=JourneyScope.values), name="attribution_scope_known"),
            models.CheckConstraint(condition=Q(milestone__in=Milestone.values), name="attribution_milestone_known"),
            models.CheckConstraint(condition=Q(sourced_test__in=SourcedTest.values), name="attribution_sourced_known"),
        ]

    def __str__(self) -> str:
        return "Attribution rules"

    @property
    def scopes(self) -> list[str]:
        """Every scope to compute, the company's own first."""
        return [
            self.scope,
            *(scope for scope in JourneyScope.values if scope in self.kept_scopes and scope != self.scope),
        ]


@versioned()
class CustomMethod(models.Model):
    """A position method whose shares (percent, summing to 100) an admin chose; its key is ``custom-<slug>``.

    A changed share raises ``version``, so that the next run recomputes it and says why.
    """

    slug = models.SlugField(max_length=24, unique=True)
    name = models.CharField(max_length=60)
    first_touch = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    lead_creation = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    opportunity_creation = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    closing = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    others = models.DecimalField("all other touchpoints", max_digits=5, decimal_places=2, default=0)
    excludes_self_initiated = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(null=True, editable=False)

    SHARES = ("first_touch", "lead_creation", "opportunity_creation", "closing", "others")

    class Meta:
        verbose_name = "custom model"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    first_touch=100 - F("lead_creation") - F("opportunity_creation") - F("closing") - F("others")
                ),
                name="custom_method_sums_to_100",
            ),
            models.CheckConstraint(
                condition=Q(
                    first_touch__gte=0, lead_creation__gte=0, opportunity_creation__gte=0, closing__gte=0, others__gte=0
                ),
                name="custom_method_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The method's key in the registry and in credits."""
        return f"custom-{self.slug}"

    def clean(self) -> None:
        """Say in words what the constraints refuse."""
        shares = [getattr(self, name) for name in self.SHARES]
        if any(share is None for share in shares):
            return
        if any(share < 0 for share in shares):
            raise ValidationError("A share cannot be negative.")
        if sum(shares) != 100:
            raise ValidationError(f"The shares must sum to 100 %; these sum to {sum(shares)} %.")
