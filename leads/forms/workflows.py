"""Building a workflow: its trigger and rules, each kind of step, activation, test run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField

from leads.forms.fields import MomentField
from leads.models import Campaign, FollowUp, RejectionReason, Stage, User, WebForm, WebhookEndpoint, WorkflowVersion
from leads.pure.refused import Refused
from leads.pure.workflows.definition import DATES, ROLES, UNITS, Definition, Settings, StepKind, Trigger
from leads.pure.workflows.hold_out import HIGHEST
from leads.pure.workflows.ready import READY
from leads.pure.workflows.templates import LONGEST, check_template

EMPTY = ""


class NewWorkflowForm(forms.Form):
    """A new workflow: empty, or one that comes with the portal."""

    ready = forms.ChoiceField(
        label="Start from",
        widget=forms.RadioSelect,
        initial=EMPTY,
        required=False,
        choices=lambda: [(EMPTY, "An empty workflow"), *((key, each.name) for key, each in READY.items())],
    )
    name = forms.CharField(max_length=120, label="Name", help_text="As lists and the log of each lead show it.")
    about = forms.CharField(max_length=300, required=False, label="What it is for")


class NameForm(forms.Form):
    """Name and purpose of a workflow."""

    name = forms.CharField(max_length=120, label="Name")
    about = forms.CharField(max_length=300, required=False, label="What it is for")


class ActivateForm(forms.Form):
    """When a draft takes effect, and why."""

    why = forms.CharField(max_length=300, label="Why", help_text="Kept with the version.")
    activates_at = MomentField(required=False, label="Activate at", help_text="Empty: now.")


class WhyForm(forms.Form):
    """A reason for an activation or a roll-back."""

    why = forms.CharField(max_length=300, label="Why", help_text="Kept with the version.")


class TryLeadForm(forms.Form):
    """A lead to try a version on."""

    lead = forms.CharField(max_length=200, label="Lead", help_text="Email, name or company.")


def _time() -> forms.TimeInput:
    return forms.TimeInput({"type": "time"}, format="%H:%M")


class DefinitionForm(forms.Form):
    """What a trigger asks for, and the rules of a version. Conditions and goal are builders beside it."""

    stages = forms.MultipleChoiceField(
        choices=Stage.choices, label="Stages", widget=forms.CheckboxSelectMultiple, help_text="Any of these."
    )
    score = forms.IntegerField(min_value=1, max_value=10_000, label="Score", help_text="Reached from below.")
    web_forms = forms.MultipleChoiceField(
        required=False, label="Forms", widget=forms.CheckboxSelectMultiple, help_text="None chosen: any form."
    )
    reasons = forms.MultipleChoiceField(
        required=False,
        choices=RejectionReason.choices,
        label="Reasons",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: any reason.",
    )
    date = forms.ChoiceField(label="Date")
    days = forms.IntegerField(
        min_value=-365,
        max_value=3_650,
        initial=0,
        label="Days after the date",
        help_text="Negative: days before it. Leads are enrolled when business opens.",
    )
    enrolls_again = forms.ChoiceField(
        label="Enroll the same lead",
        choices=[("never", "Once"), ("after", "Again, some days after its end")],
        initial="never",
    )
    again_after_days = forms.IntegerField(min_value=1, max_value=3_650, required=False, label="Days until then")
    mails_from = forms.TimeField(label="Emails from", initial=time(8), widget=_time())
    mails_until = forms.TimeField(
        label="Emails until",
        initial=time(20),
        widget=_time(),
        help_text="Quiet hours lie between; an email waits for their end. Twice the same time: no quiet hours.",
    )
    on_business_days = forms.BooleanField(required=False, initial=True, label="Emails on business days only")
    hold_out_percent = forms.IntegerField(
        min_value=0,
        max_value=HIGHEST,
        initial=0,
        label="Hold out, in percent",
        help_text=f"So many are left alone at random, to find out what the workflow causes. At most {HIGHEST}.",
    )
    hold_out_unit = forms.ChoiceField(label="Held out is", choices=WorkflowVersion.Unit.choices, initial="person")

    _OF: Mapping[str, tuple[str, ...]] = {
        Trigger.STAGE: ("stages",),
        Trigger.SCORE: ("score",),
        Trigger.FORM: ("web_forms",),
        Trigger.REJECTED: ("reasons",),
        Trigger.DATE: ("date", "days"),
    }

    def __init__(self, *args: Any, trigger: Trigger, attributes: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.trigger = trigger
        asked = self._OF.get(trigger, ())
        for name in {name for names in self._OF.values() for name in names} - set(asked):
            del self.fields[name]
        if "web_forms" in self.fields:
            rows = WebForm.objects.order_by("name").values_list("public_id", "name")
            self.fields["web_forms"].choices = [(str(key), name) for key, name in rows]  # type: ignore[attr-defined]
        if "date" in self.fields:
            own = [(f"attribute:{name}", name.replace("_", " ")) for name in attributes]
            listed = [*((key, label[:1].upper() + label[1:]) for key, label in DATES.items()), *own]
            self.fields["date"].choices = listed  # type: ignore[attr-defined]

    @property
    def trigger_fields(self) -> list[BoundField]:
        """What the trigger asks for."""
        return [self[name] for name in self._OF.get(self.trigger, ())]

    @property
    def rule_fields(self) -> list[BoundField]:
        """Everything else."""
        names = {name for names in self._OF.values() for name in names}
        return [field for field in self if field.name not in names]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("enrolls_again") == "after" and not given.get("again_after_days"):
            self.add_error("again_after_days", "Say after how many days.")
        first, last = given.get("mails_from"), given.get("mails_until")
        if first and last and last < first:
            self.add_error("mails_until", "The end comes after the beginning.")
        return given

    @staticmethod
    def initial_of(definition: Definition) -> dict[str, Any]:
        """The fields of a definition."""
        return {
            **definition.settings,
            "enrolls_again": "after" if definition.again_after_days else "never",
            "again_after_days": definition.again_after_days,
            "mails_from": definition.mails_from,
            "mails_until": definition.mails_until,
            "on_business_days": definition.on_business_days,
            "hold_out_percent": definition.hold_out_percent,
            "hold_out_unit": definition.hold_out_unit,
        }

    def definition(self, **groups: Any) -> Definition:
        """What was filled in, with ``conditions`` and ``goal``; after ``is_valid()``."""
        given = self.cleaned_data
        return Definition(
            trigger=self.trigger,
            settings={name: given[name] for name in self._OF.get(self.trigger, ())},
            again_after_days=given["again_after_days"] if given["enrolls_again"] == "after" else None,
            mails_from=given["mails_from"],
            mails_until=given["mails_until"],
            on_business_days=given["on_business_days"],
            hold_out_percent=given["hold_out_percent"],
            hold_out_unit=given["hold_out_unit"],
            **groups,
        )


class StepForm(forms.Form):
    """What every form of a step is: its fields are the step's settings."""

    @property
    def settings(self) -> Settings:
        """As steps store them; after ``is_valid()``."""
        return dict(self.cleaned_data)


class WaitForm(StepForm):
    amount = forms.IntegerField(min_value=1, max_value=1_000, initial=2, label="How long")
    unit = forms.ChoiceField(choices=list(UNITS.items()), initial="business_days", label="Unit")


class EmailForm(StepForm):
    subject = forms.CharField(max_length=300, label="Subject")
    body = forms.CharField(
        max_length=LONGEST,
        label="Text",
        widget=forms.Textarea({"rows": 14, "class": "template-text", "spellcheck": "true"}),
        help_text="Empty lines separate paragraphs; addresses become links. An unsubscribe link is added.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "subject" in given and "body" in given:
            try:
                check_template(given["subject"], given["body"])
            except Refused as refused:
                raise ValidationError(str(refused)) from refused
        return given


class FollowUpForm(StepForm):
    kind = forms.ChoiceField(choices=FollowUp.Kind.choices, label="By")
    hours = forms.IntegerField(
        min_value=0, max_value=400, initial=4, label="Due within business hours", help_text="Of the owner."
    )


def _people() -> list[tuple[str, str]]:
    people = User.objects.active().order_by("name", "pk")
    return [(f"user:{user.public_id}", str(user)) for user in people]


class NotifyForm(StepForm):
    to = forms.ChoiceField(
        label="Whom",
        choices=lambda: [
            ("owner", "The lead's owner"),
            *((key, label[:1].upper() + label[1:]) for key, label in ROLES.items()),
            *_people(),
        ],
    )
    text = forms.CharField(max_length=120, label="Message", help_text="The lead's name and company follow it.")


_BY_OTHERS = (Stage.SUBSCRIBER, Stage.OPPORTUNITY, Stage.CUSTOMER)
"""What sign-ups and deals decide."""


class StageForm(StepForm):
    stage = forms.ChoiceField(
        choices=[
            (stage.value, stage.label) for stage in Stage if stage not in ("subscriber", "customer", "opportunity")
        ],
        label="Stage",
        help_text="Left out for leads that cannot get there from where they are.",
    )


class ReassignForm(StepForm):
    to = forms.ChoiceField(
        label="To", choices=lambda: [("rules", "The next rep by the territory rules, not the owner"), *_people()]
    )


class CampaignForm(StepForm):
    campaign = forms.ChoiceField(
        label="Campaign",
        choices=lambda: [
            (str(key), name) for key, name in Campaign.objects.order_by("name", "pk").values_list("public_id", "name")
        ],
    )


class WebhookForm(StepForm):
    endpoint = forms.ChoiceField(
        label="Endpoint",
        choices=lambda: [
            (str(key), name)
            for key, name in WebhookEndpoint.objects.active().order_by("name").values_list("public_id", "name")
        ],
        help_text="Endpoints are set up under Webhooks. The event is workflow.step.",
    )


STEP_FORMS: Mapping[str, type[StepForm]] = {
    StepKind.WAIT: WaitForm,
    StepKind.EMAIL: EmailForm,
    StepKind.FOLLOW_UP: FollowUpForm,
    StepKind.NOTIFY: NotifyForm,
    StepKind.STAGE: StageForm,
    StepKind.REASSIGN: ReassignForm,
    StepKind.CAMPAIGN: CampaignForm,
    StepKind.WEBHOOK: WebhookForm,
}
"""By kind; a branch is a builder of conditions."""
