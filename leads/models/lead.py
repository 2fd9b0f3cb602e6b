"""The lead: a person who gave contact data, and the passages of their life with us."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse

from leads.models.prefix import PrefixKey
from leads.models.user import User
from leads.past.registry import versioned

# What an item may tell about a person, in the order of the lead's columns.
DETAILS = (
    "first_name",
    "last_name",
    "company",
    "job_title",
    "phone",
    "country",
    "region",
    "postal_code",
    "industry",
    "company_size",
)


class Stage(models.TextChoices):
    """Lifecycle stages, in order, then the two ways out."""

    SUBSCRIBER = "subscriber", "Subscriber"
    LEAD = "lead", "Lead"
    MQL = "mql", "MQL"
    SAL = "sal", "SAL"
    SQL = "sql", "SQL"
    OPPORTUNITY = "opportunity", "Opportunity"
    CUSTOMER = "customer", "Customer"
    DISQUALIFIED = "disqualified", "Disqualified"
    RECYCLED = "recycled", "Recycled"


# Where a rep still has to work on a lead.
OPEN_STAGES = (Stage.LEAD, Stage.MQL, Stage.SAL, Stage.SQL)


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """Rows a signed-in person may see: all, or only those they own."""
        return self.live() if user.sees_all else self.live().filter(owner=user)

    def live(self) -> LeadQuerySet:
        """Leads that were not merged into another."""
        return self.filter(merged_into__isnull=True)

    def unassigned(self) -> LeadQuerySet:
        return self.filter(owner__isnull=True)

    def awaiting_intake(self) -> LeadQuerySet:
        return self.filter(intake_due_at__isnull=False)

    def open(self) -> LeadQuerySet:
        """Leads a rep still has to work on (counts against capacity)."""
        return self.live().filter(stage__in=OPEN_STAGES)


# What decays by the day has its past in a narrow table: a version of this wide one for each point would be much larger.
@versioned(
    untracked=["intake_due_at", "score"],
    told_by={"score": ("leads_shownscore", "lead_id", "total")},
    is_followed=True,
)
class Lead(models.Model):
    """A person. E-mail is unique in its normalized form; without one an external id identifies them."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.CharField(max_length=254, null=True, blank=True)
    external_id = models.CharField(max_length=120, null=True, blank=True)
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=200, blank=True)
    job_title = models.CharField(max_length=160, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    company_size = models.PositiveIntegerField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="further columns an import brought")

    account = models.ForeignKey("leads.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="leads")
    channel = models.ForeignKey(
        "leads.Channel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="first_leads",
        help_text="channel of the first touch",
    )
    campaign = models.ForeignKey(
        "leads.Campaign",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="first_leads",
        help_text="campaign of the first touch",
    )
    owner = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="leads")
    owner_elsewhere = models.CharField(
        max_length=120,
        blank=True,
        default="",
        help_text="who owns the person in the CRM and is no user here; such a lead is not assigned",
    )
    territory = models.ForeignKey(
        "leads.Territory", on_delete=models.SET_NULL, null=True, blank=True, related_name="leads"
    )
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.SUBSCRIBER)
    score = models.IntegerField(default=0)
    is_unsubscribed = models.BooleanField(default=False)
    captured_at = models.DateTimeField(help_text="when the person first became known")
    changed_at = models.DateTimeField(help_text="last change of anything a CRM should know")
    intake_due_at = models.DateTimeField(
        null=True, blank=True, help_text="set while score, assignment and follow-up are still to be done"
    )
    # Indexed below, without the leads that are nobody's duplicate: nearly all of them, which SQLite would read for
    # every question about live leads of a few weeks.
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_leads", db_index=False
    )

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email"], name="lead_email_unique"),
            models.UniqueConstraint(fields=["external_id"], name="lead_external_id_unique"),
            models.CheckConstraint(
                condition=models.Q(email__isnull=False) | models.Q(external_id__isnull=False),
                name="lead_has_identity",
            ),
            models.CheckConstraint(
                condition=~models.Q(email="") & ~models.Q(external_id=""), name="lead_identity_not_blank"
            ),
            models.CheckConstraint(condition=models.Q(stage__in=Stage.values), name="lead_stage_known"),
            models.CheckConstraint(condition=~models.Q(merged_into=models.F("id")), name="lead_not_merged_into_itself"),
        ]
        indexes = [
            models.Index(fields=["captured_at"], name="lead_captured"),
            models.Index(fields=["owner", "stage"], name="lead_owner_stage"),
            *(
                models.Index(PrefixKey(field), name=f"lead_{field}_prefix")
                for field in ("email", "first_name", "last_name", "company")
            ),
            models.Index(
                fields=["merged_into"], name="lead_merged_into", condition=models.Q(merged_into__isnull=False)
            ),
            # Small on purpose: the sweeper asks every few seconds, and almost every lead is done.
            models.Index(
                fields=["intake_due_at"],
                name="lead_intake_due",
                condition=models.Q(intake_due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    def get_absolute_url(self) -> str:
        return reverse("leads:lead-detail", args=[self.public_id])

    @property
    def owned_by(self) -> str:
        """Their owner's name for people, with one who is no user here; empty for nobody."""
        if self.owner is not None:
            return str(self.owner)
        return f"{self.owner_elsewhere} (in the CRM, no user here)" if self.owner_elsewhere else ""

    @property
    def display_name(self) -> str:
        """Best name we have: person, e-mail, or external id."""
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"Lead {self.external_id}"


class RejectionReason(models.TextChoices):
    """Why sales sent an MQL back; becomes a rate per campaign."""

    NO_BUDGET = "no_budget", "No budget"
    NO_AUTHORITY = "no_authority", "Not the right person"
    NO_NEED = "no_need", "No need"
    BAD_TIMING = "bad_timing", "Bad timing"
    BAD_FIT = "bad_fit", "Company does not fit"
    BAD_DATA = "bad_data", "Wrong contact data"
    DUPLICATE = "duplicate", "Already known"
    COMPETITOR = "competitor", "Competitor or student"
    UNREACHABLE = "unreachable", "Could not be reached"


@versioned()
class LifecyclePassage(models.Model):
    """One step from stage to stage; kept for ever, also when repeated. Skipped stages are marked inferred."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="passages")
    from_stage = models.CharField(max_length=16, choices=Stage.choices, blank=True)
    to_stage = models.CharField(max_length=16, choices=Stage.choices)
    passed_at = models.DateTimeField()
    is_inferred = models.BooleanField(default=False)
    reason = models.CharField(max_length=24, choices=RejectionReason.choices, blank=True)
    because = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(to_stage__in=Stage.values), name="passage_stage_known"),
            models.CheckConstraint(condition=~models.Q(from_stage=models.F("to_stage")), name="passage_changes_stage"),
        ]
        indexes = [
            models.Index(fields=["to_stage", "passed_at"], name="passage_stage_time"),
            models.Index(fields=["lead", "passed_at"], name="passage_lead_time"),
        ]

    def __str__(self) -> str:
        return f"{self.from_stage} to {self.to_stage}"


@versioned()
class Consent(models.Model):
    """What a person agreed to, word for word; append-only."""

    class Basis(models.TextChoices):
        CONSENT = "consent", "Consent"
        CONTRACT = "contract", "Contract"
        LEGITIMATE_INTEREST = "legitimate_interest", "Legitimate interest"

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="consents")
    text = models.TextField()
    given_at = models.DateTimeField()
    source = models.CharField(max_length=200, blank=True)
    basis = models.CharField("legal basis", max_length=24, choices=Basis.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "given_at", "basis"], name="consent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.lead}: {self.basis}"


@versioned(is_followed=True)
class LeadEvent(models.Model):
    """News about a lead for other apps to read: append-only, written in the transaction of the change.

    Readers must read an overlapping window and make repeats harmless: ids are given before commits, so "id greater
    than the last one seen" would lose rows.
    """

    class Kind(models.TextChoices):
        CAPTURED = "captured", "Captured"
        UPDATED = "updated", "Details changed"
        SCORED = "scored", "Score changed"
        ASSIGNED = "assigned", "Assigned"
        STAGE_CHANGED = "stage_changed", "Stage changed"
        FOLLOW_UP_PLANNED = "follow_up_planned", "Follow-up planned"
        FOLLOW_UP_DONE = "follow_up_done", "Follow-up done"
        ACTIVITY_LOGGED = "activity_logged", "Activity logged"
        MERGED = "merged", "Merged"
        IMPORTED = "imported", "Imported"

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=24, choices=Kind.choices)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_index=True)
    by = models.ForeignKey("leads.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lead", "happened_at"], name="event_lead_time")]

    def __str__(self) -> str:
        return f"{self.kind}, {self.happened_at:%Y-%m-%d}"
