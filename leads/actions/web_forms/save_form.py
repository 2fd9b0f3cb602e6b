"""Build and change a form on the web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from leads.models import ConsentText, Role, TrackedSite, User, WebForm
from leads.pure.refused import Refused
from leads.pure.web_forms.definition import DefinitionRefused, Field, checked


class FormRefused(Refused):
    """The form cannot be saved so; the message says why."""


@transaction.atomic
def save_form(
    *,
    form: WebForm | None,
    values: Mapping[str, Any],
    fields: Sequence[Field],
    consent: str,
    consent_required: bool,
    by: User,
    at: datetime,
) -> WebForm:
    """Write a form, a new one for None. Another wording of the consent is a version of its own. Raises FormRefused."""
    _may(by)
    try:
        kept = checked(fields)
    except DefinitionRefused as error:
        raise FormRefused(str(error)) from error
    others = WebForm.objects.exclude(pk=form.pk) if form else WebForm.objects.all()
    if others.filter(name=values["name"]).exists():
        raise FormRefused("Another form has this name.")
    row = form or WebForm(created_by=by, created_at=at)
    for name, value in values.items():
        setattr(row, name, value)
    row.fields = [each.stored() for each in kept]
    # What is changed through the page is told in the form's history, which only save() writes.
    row.save()
    _keep_consent(row, consent.strip(), consent_required, by, at)
    return row


def _keep_consent(form: WebForm, text: str, is_required: bool, by: User, at: datetime) -> None:
    newest = ConsentText.objects.filter(form=form).order_by("-number").first()
    stands = (newest.text, newest.is_required) if newest else ("", False)
    if (text, is_required and bool(text)) == stands:
        return
    ConsentText.objects.create(
        form=form,
        number=newest.number + 1 if newest else 1,
        text=text,
        is_required=is_required and bool(text),
        saved_by=by,
        saved_at=at,
    )


@transaction.atomic
def switch_form(*, form: WebForm, is_open: bool, by: User) -> None:
    """Open a form, or close it: a closed one takes nothing. Raises FormRefused."""
    _may(by)
    form.is_open = is_open
    form.save(update_fields=["is_open"])


@transaction.atomic
def save_site(*, site: TrackedSite | None, values: Mapping[str, Any], by: User, at: datetime) -> TrackedSite:
    """Write a tracked site, a new one for None. Raises FormRefused."""
    _may(by)
    row = site or TrackedSite(created_at=at)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def _may(by: User) -> None:
    if not by.has_role(Role.ADMIN):
        raise FormRefused("Admins build forms.")
