"""The page of a form, which anybody may open and send, and the page that confirms a sign-up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads.actions.web_forms.confirm_sign_up import ConfirmRefused, confirm_sign_up, confirmed_by_link
from leads.actions.web_forms.receive_answers import Sent, opened, receive_answers
from leads.api.public import SENDING, Rate, is_too_often, visitor_of
from leads.models import Company, WebForm
from leads.past.acting import Door, act_on
from leads.pure.web_forms.answers import Answers, Asked, Context, words_of
from leads.pure.web_forms.mails import mail_words
from leads.queries.web_forms import asked_by, open_form
from leads.tasks import nudge_intake
from leads.views.form_page import about, page_context

CONFIRMING = Rate("confirm", each=60, all=6_000)


@csrf_exempt  # no session, no cookie: nobody is signed in whose name could be misused
@require_http_methods(["GET", "HEAD", "POST"])
def public_form(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the form; take what was sent."""
    form = open_form(key)
    if form is None:
        return _gone(request)
    asked, at = asked_by(form), timezone.now()
    if request.method != "POST":
        came = Context(
            landing_page=request.build_absolute_uri(),
            referrer=request.headers.get("Referer", ""),
            visitor_id=visitor_of(request.GET.get("rv")),
        )
        return _page(request, form, asked, opened(form=form, context=came, at=at))
    if is_too_often(request, key, SENDING, at):
        context = {**about(form), "note": words_of(form.language).busy}
        return _secured(render(request, "leads/web_forms/public_note.html", context, status=429), form)
    act_on(Door.PAGE, source=f"form: {form.name}", because="Public form")
    given = request.POST
    sent = Sent(
        given=given.dict(),
        token=given.get("token", ""),
        trap=given.get("homepage", ""),
        context=Context(user_agent=request.headers.get("User-Agent", "")[:300]),
    )
    taken = receive_answers(form=form, asked=asked, sent=sent, at=at)
    if isinstance(taken, Answers):
        token = sent.token if "" not in taken.faults else opened(form=form, context=Context(), at=at)
        return _page(request, form, asked, token, given=sent.given, faults=taken.faults)
    nudge_intake()
    return _thanked(form)


@require_safe
def public_form_thanks(request: HttpRequest, key: UUID) -> HttpResponse:
    """Thank whoever sent it."""
    form = open_form(key)
    if form is None:
        return _gone(request)
    return _secured(render(request, "leads/web_forms/public_note.html", {**about(form), "note": form.thanks}), form)


@csrf_exempt  # mail programs open it without a cookie; the signed link is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm a sign-up. Opening the link only asks: scanners of mails open links, too."""
    at = timezone.now()
    if is_too_often(request, "all", CONFIRMING, at):
        return HttpResponse(status=429)
    try:
        if request.method == "POST":
            act_on(Door.PAGE, source="confirmation", because="Link of the mail")
            submission = confirm_sign_up(token=token, at=at)
            nudge_intake()
        else:
            submission = confirmed_by_link(token=token, at=at)
    except ConfirmRefused as error:
        context = {"why": str(error), "words": mail_words("en"), "company_name": Company.current().name}
        return _secured(render(request, "leads/web_forms/confirm.html", context, status=404), None)
    form = submission.form
    context = {
        "words": mail_words(form.language if form else "en"),
        "is_done": submission.confirmed_at is not None,
        **(about(form) if form else {}),
    }
    return _secured(render(request, "leads/web_forms/confirm.html", context), form)


def _page(request: HttpRequest, form: WebForm, asked: Asked, token: str, **more: Any) -> HttpResponse:
    context = page_context(form, asked, token, **more)
    status = 422 if context["problem"] else 200
    return _secured(render(request, "leads/web_forms/public_form.html", context, status=status), form)


def _thanked(form: WebForm) -> HttpResponse:
    if form.redirect_url:
        answer = HttpResponseRedirect(form.redirect_url)
        answer.status_code = 303
        return _secured(answer, form)
    return redirect("leads:public-form-thanks", form.key)


def _gone(request: HttpRequest) -> HttpResponse:
    context = {"company_name": Company.current().name, "language": "en", "note": words_of("en").gone}
    return _secured(render(request, "leads/web_forms/public_note.html", context, status=404), None)


def _secured(response: HttpResponse, form: WebForm | None) -> HttpResponse:
    """A policy of its own: what the page needs and nothing more. A form may lead on to where its admin says."""
    onward = ""
    if form is not None and form.redirect_url:
        parts = urlsplit(form.redirect_url)
        onward = f" {parts.scheme}://{parts.netloc}"
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; script-src 'self'; "
        f"connect-src 'self'; form-action 'self'{onward}; base-uri 'none'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return response
