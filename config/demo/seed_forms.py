"""Forms on the web, and what people sent with them: the touchpoints of the last weeks, as the forms' submissions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from leads.actions.web_forms.receive_answers import LINK_FOR
from leads.actions.web_forms.save_form import save_form, save_site
from leads.models import (
    ConfirmationMail,
    FormKind,
    FormViews,
    Role,
    Submission,
    Touchpoint,
    User,
    WebForm,
)
from leads.past.acting import Door, act, backdated
from leads.pure.web_forms.definition import ATTRIBUTE, Field, default_fields

SITE = "https://www.fernhill.example"
WEEKS = 6
_CONSENT = "Yes, Fernhill Analytics may write to me about its products. I can withdraw this at any time."
_SPAM = ("seo-boost@spam.example", "casino@spam.example", "loans@spam.example", "backlinks@spam.example")
_WAITING = ("lena.vogt@kettler.example", "t.okafor@brightwave.example", "m.rossi@tessuti.example")


def write_forms(at: datetime, seed: int) -> None:
    """Four forms and a website, once."""
    if WebForm.objects.exists():
        return
    admin = User.objects.filter(role=Role.ADMIN).order_by("pk")[0]
    chance = random.Random(seed)
    since = at - timedelta(weeks=WEEKS)
    with transaction.atomic(), backdated(since), act(Door.PAGE, actor=admin.pk, because="Admin"):
        save_site(
            site=None,
            values={"name": "www.fernhill.example", "origins": [SITE], "asks_consent": True, "is_open": True},
            by=admin,
            at=since,
        )
        for form, names in _forms(admin, since):
            touches = Touchpoint.objects.genuine().filter(kind=form.kind, occurred_at__gte=since, occurred_at__lt=at)
            rows = touches.filter(name__in=names) if names else touches.filter(kind=form.kind)
            _write(form, list(rows.select_related("lead").order_by("occurred_at", "pk")), at, chance)


def _forms(admin: User, at: datetime) -> Iterator[tuple[WebForm, Sequence[str]]]:
    """Each form, and how its touchpoints are called."""
    topic = Field(
        ATTRIBUTE, "topic", "What is it about?", input="select",
        options=("Dashboards", "Forecasting", "Data quality", "Something else"),
    )  # fmt: skip
    rest = [
        Field("job_title", "job_title", "Job title"),
        Field("company_size", "company_size", "Employees", input="number"),
        Field("country", "country", "Country", is_required=True),
    ]
    yield _form(admin, at, "Pricing request", "Ask for a price", [*default_fields(), *rest]), ["Pricing request"]
    yield (
        _form(admin, at, "Demo request", "See it with your own data", [*default_fields(), *rest, topic]),
        ["Demo request"],
    )
    email = [Field("email", "email", "Email", input="email", is_required=True)]
    newsletter = _form(
        admin, at, "Newsletter", "Once a month, no more", email,
        kind=FormKind.EMAIL_SIGNUP, confirms_email=True, submit_label="Sign up",
        thanks="Thank you. Please open the email that we have just sent you.",
    )  # fmt: skip
    yield newsletter, ["Newsletter"]
    name, starts_at = _last_webinar()
    webinar = _form(
        admin, at, name, "Register for our webinar", default_fields(),
        kind=FormKind.WEBINAR_REGISTRATION, submit_label="Register", starts_at=starts_at,
        thanks="You are registered. We send you the link a day before.",
    )  # fmt: skip
    yield webinar, [name]


def _last_webinar() -> tuple[str, datetime | None]:
    """Its name, as registrations bear it, and when it began."""
    came = Touchpoint.objects.filter(kind="webinar_attendance").order_by("-occurred_at").first()
    if came is None:
        return "Analytics in Practice", None
    first = Touchpoint.objects.filter(kind="webinar_attendance", name=came.name).order_by("occurred_at")[0]
    return came.name, first.occurred_at.replace(minute=0, second=0, microsecond=0)


def _form(admin: User, at: datetime, name: str, title: str, fields: list[Field], **more: object) -> WebForm:
    values = {
        "name": name,
        "kind": FormKind.FORM_SUBMISSION,
        "title": title,
        "intro": "",
        "language": "en",
        "submit_label": "Send",
        "campaign": None,
        "starts_at": None,
        "confirms_email": False,
        "thanks": "Thank you. We get back to you within a working day.",
        "redirect_url": "",
        "origins": [SITE],
        "fastest_seconds": 2,
        **more,
    }
    return save_form(form=None, values=values, fields=fields, consent=_CONSENT, consent_required=False, by=admin, at=at)


def _write(form: WebForm, touches: list[Touchpoint], at: datetime, chance: random.Random) -> None:
    came = set(
        Touchpoint.objects.filter(
            kind="webinar_attendance", lead__in={touch.lead_id for touch in touches}
        ).values_list("lead", flat=True)
    ) if form.is_webinar else set()  # fmt: skip
    rows = [_submission(form, touch, chance, came) for touch in touches]
    # What only programs send.
    for email in _SPAM[: chance.randint(2, 4)]:
        moment = at - timedelta(hours=chance.randint(2, 24 * 7 * WEEKS - 24))
        detail = "The field that only programs see was filled in."
        rows.append(
            Submission(
                public_id=UUID(int=chance.getrandbits(128), version=4),
                received_at=moment,
                source=f"form: {form.name}",
                payload={"values": {"email": email}},
                item={"email": email, "event": {"kind": form.kind, "occurred_at": moment.isoformat()}},
                form=form,
                state=Submission.State.SPAM,
                errors=[{"pointer": "", "code": "spam", "detail": detail}],
            )
        )
    Submission.objects.bulk_create(sorted(rows, key=lambda row: row.received_at), batch_size=500)
    if form.confirms_email:
        _wait(form, at, chance)
    days: dict[date, int] = {}
    for touch in touches:
        days[touch.occurred_at.date()] = days.get(touch.occurred_at.date(), 0) + chance.randint(4, 11)
    FormViews.objects.bulk_create(FormViews(form=form, day=day, count=count) for day, count in sorted(days.items()))


def _submission(form: WebForm, touch: Touchpoint, chance: random.Random, came: set[int]) -> Submission:
    lead = touch.lead
    names = [each["name"] for each in form.fields]
    values = {name: str(value) for name in names if (value := getattr(lead, name, ""))}
    attendance = ""
    if form.is_webinar:
        kinds = Submission.Attendance
        attendance = kinds.ATTENDED if lead.pk in came else kinds.NO_SHOW
    return Submission(
        public_id=UUID(int=chance.getrandbits(128), version=4),
        received_at=touch.occurred_at,
        source=f"form: {form.name}",
        payload={"values": values, "landing_page": touch.landing_page, "referrer": touch.referrer},
        form=form,
        state=Submission.State.ACCEPTED,
        lead=lead,
        confirmed_at=touch.occurred_at if form.confirms_email else None,
        attendance=attendance,
    )


def _wait(form: WebForm, at: datetime, chance: random.Random) -> None:
    """Sign-ups whose mail nobody has answered."""
    for email in _WAITING:
        moment = at - timedelta(hours=chance.randint(3, 100))
        submission = Submission.objects.create(
            public_id=UUID(int=chance.getrandbits(128), version=4),
            received_at=moment,
            source=f"form: {form.name}",
            payload={"values": {"email": email}},
            item={
                "email": email,
                "event": {"kind": form.kind, "name": form.name, "occurred_at": moment.isoformat()},
            },
            form=form,
            state=Submission.State.UNCONFIRMED,
        )
        ConfirmationMail.objects.create(
            submission=submission,
            email=email,
            state=ConfirmationMail.State.SENT,
            not_before=moment,
            attempts=1,
            sent_at=moment + timedelta(seconds=20),
            expires_at=moment + LINK_FOR,
        )
