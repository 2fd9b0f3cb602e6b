"""Configured CRM accounts and how far each has been read."""

from __future__ import annotations

import uuid

from django.db import models
from django.urls import reverse

from integrations.models.secret import SecretJSONField, SecretTextField
from leads.models import Role, User


class RecordKind(models.TextChoices):
    """Kinds of remote records we know."""

    PERSON = "person", "Person"
    CONTACT = "contact", "Contact"  # what a lead in the CRM was converted into
    INQUIRY = "inquiry", "Inquiry"  # a lead beside its person, where the CRM keeps both
    ACCOUNT = "account", "Account"
    DEAL = "deal", "Deal"
    OWNER = "owner", "Owner"
    CAMPAIGN = "campaign", "Campaign"
    TOUCH = "touch", "Response"  # of a member to a campaign


class CrmPeople(models.TextChoices):
    """Which people of the CRM become leads here without having been captured here."""

    NOBODY = "", "Nobody: only whom we have sent there"
    NEW = "new", "Whoever is added there from now on"
    ALL = "all", "Everybody"


# Whose business connections are, and who changes them.
LOOKERS = (Role.ADMIN, Role.SALES_LEADER)
EDITORS = (Role.ADMIN,)


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible_to(self, user: User) -> ConnectionQuerySet:
        """All of them for those who answer for the sync, none for anybody else."""
        return self if user.has_role(*LOOKERS) else self.none()

    def editable_by(self, user: User) -> ConnectionQuerySet:
        """All of them for admins, none for anybody else."""
        return self if user.has_role(*EDITORS) else self.none()

    def active(self) -> ConnectionQuerySet:
        return self.filter(is_active=True)

    def ready(self, at: object) -> ConnectionQuerySet:
        """Active connections that are not paused by a limit or an outage."""
        return self.active().filter(models.Q(paused_until__isnull=True) | models.Q(paused_until__lte=at))


class Connection(models.Model):
    """One account in one CRM. Secrets are write-only: pages show their state and age, never their text.

    ``secret`` is the one token of connections that need no more; ``secrets`` holds what a way of signing in asks for.
    """

    class Health(models.TextChoices):
        UNTRIED = "untried", "Not tried yet"
        OK = "ok", "Working"
        PAUSED = "paused", "Paused"
        FAILING = "failing", "Failing"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, help_text="key of the connector")
    base_url = models.URLField(max_length=300)
    secret = SecretTextField(blank=True, editable=False)
    secrets = SecretJSONField(default=dict, blank=True, editable=False)
    secret_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    sign_in = models.CharField(max_length=40, blank=True, help_text="key of the way of signing in")
    settings = models.JSONField(default=dict, blank=True, help_text="the vendor's plain settings")
    currency = models.CharField(max_length=3, blank=True, help_text="of amounts that name none")
    # The short-lived token that the secrets were exchanged for; renewed by one process at a time.
    access_token = SecretTextField(blank=True, editable=False)
    access_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    access_base_url = models.CharField(max_length=300, blank=True, editable=False)
    refresh_token = SecretTextField(blank=True, editable=False)
    token_lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    webhook_key = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    webhook_secret = SecretTextField(blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    switched_on_at = models.DateTimeField(null=True, blank=True, help_text="empty while it is being set up")
    merges_people = models.BooleanField(
        "merge here whom the CRM merged", default=True, help_text="where both of its people are leads of ours"
    )
    takes_people = models.CharField(
        "people of the CRM", max_length=3, choices=CrmPeople.choices, blank=True, default=CrmPeople.NOBODY
    )
    takes_people_since = models.DateTimeField(null=True, blank=True, help_text="when that was chosen")
    activities = models.JSONField(
        default=dict, blank=True, help_text='what is read as touchpoints: {"call": {"rule": …, "channel": …}}'
    )
    confirmed_steps = models.JSONField(default=list, blank=True, help_text="steps of the setup that somebody saved")
    account = models.JSONField(default=dict, blank=True, help_text="what the last test learned of the account")
    health = models.CharField(max_length=8, choices=Health.choices, default=Health.UNTRIED)
    health_note = models.CharField(max_length=300, blank=True)
    health_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="the first failure since all went well"
    )
    paused_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row; opens the breaker")
    source_key = models.CharField(
        max_length=60, blank=True, editable=False, help_text="of a deleted connection to the same account"
    )
    quota_left = models.IntegerField(null=True, blank=True)
    quota_limit = models.IntegerField(null=True, blank=True)
    quota_resets_at = models.DateTimeField(null=True, blank=True)
    # One drain per connection: whoever holds the lease pushes; a stale holder is refused by its fence.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(base_url=""), name="connection_has_url")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("integrations:connection-detail", args=[self.slug])

    @property
    def is_being_set_up(self) -> bool:
        """Whether nobody has switched it on yet."""
        return not self.is_active and self.switched_on_at is None

    @property
    def source(self) -> str:
        """Under which name what it reads is recorded: of a connection that was deleted and made again the first one's,
        so that nothing counts twice."""
        return self.source_key or self.slug

    @property
    def all_secrets(self) -> dict[str, str]:
        """Everything secret that the connector may need, by name; the one token is called "token"."""
        return ({"token": self.secret} if self.secret else {}) | self.secrets


class Watermark(models.Model):
    """Up to which remote change time a kind of record was read; committed together with the rows."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="watermarks")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    read_to = models.DateTimeField(null=True)
    window_ends_at = models.DateTimeField(null=True, help_text="ceiling of a run under way")
    resume_token = models.CharField(max_length=500, blank=True, help_text="valid only inside the run under way")
    gone_to = models.DateTimeField(null=True, help_text="how far deleted, archived and merged records were read")
    living = models.PositiveIntegerField(null=True, help_text="how many records there were, as far as the CRM counts")
    living_at = models.DateTimeField(null=True, help_text="of those made until then")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="watermark_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind}"


class StageMap(models.Model):
    """Which of our pipeline stages a remote stage means."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="stage_maps")
    remote_key = models.CharField(max_length=120)
    remote_name = models.CharField(max_length=120, blank=True)
    remote_status = models.CharField(max_length=4, blank=True, help_text="open, won or lost in the CRM")
    remote_position = models.PositiveSmallIntegerField(default=0, help_text="its place in the CRM's own order")
    remote_probability = models.FloatField(null=True, blank=True, help_text="0 to 1; empty is not told")
    pipeline = models.CharField(max_length=120, blank=True, help_text="where the CRM has several")
    is_chosen = models.BooleanField(default=False, help_text="by a person; never guessed again")
    stage = models.ForeignKey("leads.PipelineStage", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote_key"], name="stage_map_once")]

    def __str__(self) -> str:
        return f"{self.remote_name or self.remote_key} is {self.stage}"


class FieldMap(models.Model):
    """A field on each side, the way it travels and who wins. Made from the connector's rules, edited by admins."""

    class Direction(models.TextChoices):
        PUSH = "push", "To the CRM"
        PULL = "pull", "From the CRM"
        BOTH = "both", "Both ways"

    class Policy(models.TextChoices):
        OURS = "ours", "What we hold"
        THEIRS = "theirs", "What the CRM holds"
        NEWEST = "newest", "Whoever changed last"
        FILL_EMPTY = "fill_empty", "Only fills what is empty"

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="field_maps")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    local = models.CharField(max_length=120, help_text='our name; "attributes.…" for further columns')
    remote = models.CharField(max_length=160, help_text="the CRM's name, perhaps dotted")
    direction = models.CharField(max_length=4, choices=Direction.choices, default=Direction.PUSH)
    policy = models.CharField(max_length=10, choices=Policy.choices, default=Policy.OURS)
    position = models.PositiveSmallIntegerField(default=0)
    values = models.JSONField(default=dict, blank=True, help_text="what our values are called in the CRM")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "local"], name="field_map_once_per_local"),
            models.UniqueConstraint(fields=["connection", "kind", "remote"], name="field_map_once_per_remote"),
            models.CheckConstraint(condition=~models.Q(local="") & ~models.Q(remote=""), name="field_map_names_both"),
        ]

    def __str__(self) -> str:
        return f"{self.local} {self.direction} {self.remote}"


class RemoteSchema(models.Model):
    """The fields of a kind as the CRM described them when it was tested last; the mapping is chosen from them.

    ``fields`` is a list of {"name", "label", "type", "is_writable", "is_required", "is_custom", "choices", "length",
    "contact_name"}.
    """

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="schemas")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    fields = models.JSONField(default=list)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="remote_schema_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind}"


class ExternalRecord(models.Model):
    """The link between a remote record and ours; how a record is found again without guessing.

    ``snapshot`` holds, by our field names, the values that both sides agreed on last: the base of a three-way merge.
    A held record is neither read nor written until somebody releases it.
    """

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="records")
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    remote_id = models.CharField(max_length=120)
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    opportunity = models.ForeignKey(
        "leads.Opportunity", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    owner = models.ForeignKey(
        "leads.User", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    account = models.ForeignKey(
        "leads.Account", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    campaign = models.ForeignKey(
        "leads.Campaign", on_delete=models.CASCADE, null=True, blank=True, related_name="external_records"
    )
    remote_name = models.CharField(max_length=200, blank=True, help_text="of an owner, account or campaign")
    remote_email = models.CharField(max_length=254, blank=True, help_text="of an owner")
    is_chosen = models.BooleanField(default=False, help_text="matched by a person; never matched anew")
    is_active_there = models.BooleanField(default=True, help_text="whether an owner may still own records in the CRM")
    is_born_there = models.BooleanField(
        default=False, help_text="a person the CRM had first: who owns them is said in the CRM"
    )
    lacks_key = models.BooleanField(default=False, help_text="it does not carry our id yet: found by its own id")
    content_hash = models.CharField(max_length=64, blank=True, help_text="of what we last sent or read")
    snapshot = models.JSONField(default=dict, blank=True)
    merged_into = models.CharField(max_length=120, blank=True, help_text="remote id of the record that lives on")
    remote_changed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    held_because = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "remote_id"], name="external_record_once"),
            models.UniqueConstraint(fields=["connection", "kind", "lead"], name="external_record_one_per_lead"),
            models.UniqueConstraint(
                fields=["connection", "kind", "opportunity"], name="external_record_one_per_opportunity"
            ),
            models.UniqueConstraint(fields=["connection", "kind", "campaign"], name="external_record_one_per_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind} {self.remote_id}"


class FormerRecord(models.Model):
    """A link of a connection that was deleted. A new connection to the same account of the CRM takes it over."""

    vendor = models.CharField(max_length=20)
    account_key = models.CharField(max_length=200, help_text="the CRM's id of the account")
    source = models.CharField(max_length=60)
    kind = models.CharField(max_length=12, choices=RecordKind.choices)
    remote_id = models.CharField(max_length=120)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, null=True, related_name="+")
    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.CASCADE, null=True, related_name="+")
    account = models.ForeignKey("leads.Account", on_delete=models.CASCADE, null=True, related_name="+")
    campaign = models.ForeignKey("leads.Campaign", on_delete=models.CASCADE, null=True, related_name="+")
    is_born_there = models.BooleanField(default=False)
    lacks_key = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vendor", "account_key", "kind", "remote_id"], name="former_record_once")
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.kind} {self.remote_id}"
