"""People who sign in, and what they may see."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from leads.past.registry import versioned


class Role(models.TextChoices):
    """What a person is here for; decides the home page and the rows they see."""

    MARKETING_DIRECTOR = "marketing_director", "Marketing director"
    SALES_LEADER = "sales_leader", "Sales leader"
    SALES_REP = "sales_rep", "Sales rep"
    ADMIN = "admin", "Admin"


class Theme(models.TextChoices):
    """How the portal looks to a person."""

    SYSTEM = "system", "System"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def gone(self) -> UserQuerySet:
        """People who can be given nothing any more: deactivated here, or in the CRM."""
        return self.filter(models.Q(is_active=False) | models.Q(left_crm_at__isnull=False))

    def reps(self) -> UserQuerySet:
        return self.filter(role=Role.SALES_REP)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user: User = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(
            email, password, **{"role": Role.ADMIN, "is_staff": True, "is_superuser": True, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> User:
        user: User = self.get(email=(username or "").strip().lower())
        return user


@versioned(untracked=["is_staff", "is_superuser", "theme"], hidden=["email", "password", "last_login"])
class User(AbstractBaseUser, PermissionsMixin):
    """A person with an e-mail address, a role and, for reps, a capacity."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=24, choices=Role.choices, default=Role.SALES_REP)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(default=True)
    left_crm_at = models.DateTimeField(
        "deactivated in the CRM",
        null=True,
        blank=True,
        editable=False,
        help_text="since when no connected CRM that knows the person lets them own records",
    )
    book_kept_because = models.CharField(
        max_length=200,
        blank=True,
        default="",
        editable=False,
        help_text="why the open leads of somebody deactivated stay with them until a person transfers them",
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_lower_unique"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(condition=models.Q(theme__in=Theme.values), name="user_theme_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Admins may do everything in Django admin; there are no permissions to hand out beside the roles."""
        return (self.is_active and self.is_staff and self.role == Role.ADMIN) or super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return (self.is_active and self.is_staff and self.role == Role.ADMIN) or super().has_module_perms(app_label)

    def has_role(self, *roles: Role) -> bool:
        """Whether the person has one of the roles; a superuser has them all."""
        return self.is_superuser or self.role in roles

    @property
    def right(self) -> str:
        """What lets the person do things, in words: the role, or being a superuser."""
        return "Superuser" if self.is_superuser and self.role != Role.ADMIN else str(self.get_role_display())

    @property
    def owns_records(self) -> bool:
        """Whether leads, deals, accounts or follow-ups are the person's. Asks up to four times."""
        mine = (self.leads, self.opportunities, self.owned_accounts, self.follow_ups)
        return any(rows.exists() for rows in mine)

    @property
    def sees_all(self) -> bool:
        """Whether rows of every territory are visible (reps see only what they own)."""
        return self.has_role(Role.ADMIN, Role.MARKETING_DIRECTOR, Role.SALES_LEADER)


@versioned()
class RepCapacity(models.Model):
    """How many open leads a rep can hold; no row means no limit."""

    rep = models.OneToOneField("leads.User", on_delete=models.CASCADE, related_name="capacity")
    open_leads = models.PositiveIntegerField("most open leads")

    class Meta:
        verbose_name_plural = "rep capacities"

    def __str__(self) -> str:
        return f"{self.rep}: {self.open_leads}"


@versioned()
class RepAbsence(models.Model):
    """Days on which a rep gets no new leads, both ends included."""

    rep = models.ForeignKey("leads.User", on_delete=models.CASCADE, related_name="absences")
    starts_on = models.DateField()
    ends_on = models.DateField()
    reason = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="absence_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep}: {self.starts_on} to {self.ends_on}"
