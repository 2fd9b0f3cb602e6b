"""Forms that stand on other sites, and the visits those sites tell of. Everybody may write; nobody learns anything."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads.actions.web_forms.receive_answers import FirstVisit, Sent, Taken, opened, receive_answers
from leads.actions.web_forms.record_views import count_form_view, record_page_view
from leads.api.public import (
    SENDING,
    Rate,
    allowed_origin,
    is_too_often,
    is_web_address,
    preflight,
    read_json,
    visitor_of,
    with_origin,
)
from leads.models import TrackedSite, WebForm
from leads.past.acting import Door, act_on
from leads.pure.web_forms.answers import Answers, Asked, Context, words_of
from leads.queries.web_forms import asked_by, open_form
from leads.tasks import nudge_intake

MAX_FORM_BYTES = 64 * 1024
MAX_VIEW_BYTES = 8 * 1024
SHOWING = Rate("form-shown", each=120, all=6_000)
VIEWING = Rate("page-view", each=240, all=12_000)
_SCRIPT = Path(settings.BASE_DIR) / "static" / "js" / "track.js"


@csrf_exempt  # no session, no cookie: the page is of another site
@require_http_methods(["GET", "OPTIONS"])
def form_embed(request: HttpRequest, key: UUID) -> HttpResponse:
    """What a page needs to show the form."""
    form = _form(key)
    origin = _admitted(request, key, form.origins, SHOWING)
    if isinstance(origin, HttpResponse):
        return origin
    asked = asked_by(form)
    told = {
        "language": form.language,
        "fields": [
            {
                "name": each.name,
                "label": each.label,
                "help": each.help,
                "input": each.input,
                "options": list(each.options),
                "required": each.is_required,
                "longest": each.longest,
                "autocomplete": each.autocomplete,
            }
            for each in asked.fields
            if not each.is_hidden
        ],
        "consent": {"text": asked.consent, "required": asked.consent_required} if asked.consent else None,
        "submit": form.submit_label,
        "optional": words_of(form.language).optional,
        "away": words_of(form.language).away,
        "token": opened(form=form, context=Context(), at=timezone.now()),
    }
    return with_origin(JsonResponse(told), origin)


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def form_send(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take a form that a page of another site sends."""
    form = _form(key)
    origin = _admitted(request, key, form.origins, SENDING)
    if isinstance(origin, HttpResponse):
        return origin
    body = read_json(request, MAX_FORM_BYTES)
    if body is None or not isinstance(body.get("values"), dict):
        return with_origin(HttpResponse(status=400), origin)
    act_on(Door.API, source=f"form: {form.name}", because="Public form")
    asked = asked_by(form)
    taken = receive_answers(form=form, asked=asked, sent=_sent(request, body), at=timezone.now())
    if isinstance(taken, Taken):
        nudge_intake()
    return with_origin(_answer(form, asked, taken), origin)


@csrf_exempt
@require_POST
def form_shown(request: HttpRequest, key: UUID) -> HttpResponse:
    """A browser shows the form."""
    form = _form(key)
    if not allowed_origin(request, form.origins):
        return HttpResponse(status=403)
    if not is_too_often(request, key, SHOWING, timezone.now()):
        count_form_view(form=form, day=timezone.now().date())
    return HttpResponse(status=204)


@require_GET
def site_script(request: HttpRequest, key: UUID) -> HttpResponse:
    """The tracking script, with the site's key and whether it waits for consent."""
    site = _site(key)
    told = {"url": settings.PORTAL_URL, "key": str(site.key), "ask": site.asks_consent}
    response = HttpResponse(
        f"var revopsSite={json.dumps(told)};\n{_script()}", content_type="text/javascript; charset=utf-8"
    )
    response["Cache-Control"] = "public, max-age=300"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def page_view(request: HttpRequest, key: UUID) -> HttpResponse:
    """A visitor opened a page. Who does not want to be tracked is not, whatever the site says."""
    site = _site(key)
    origin = _admitted(request, key, site.origins, VIEWING)
    if isinstance(origin, HttpResponse):
        return origin
    body = read_json(request, MAX_VIEW_BYTES) or {}
    visitor, page, referrer = visitor_of(body.get("v")), body.get("p"), body.get("r")
    is_refused = request.headers.get("Sec-GPC") == "1" or request.headers.get("DNT") == "1"
    if not is_refused and visitor and is_web_address(page):
        act_on(Door.API, source=f"site: {site.name}", because="Tracked site")
        record_page_view(
            site=site,
            visitor_id=visitor,
            page=_clean(page),
            referrer=_clean(referrer) if is_web_address(referrer) else "",
            user_agent=_clean(request.headers.get("User-Agent", "")),
            at=timezone.now(),
        )
    return with_origin(HttpResponse(status=204), origin)


def _admitted(request: HttpRequest, key: UUID, origins: Collection[str], rate: Rate) -> str | HttpResponse:
    """The caller's origin, or the answer that ends the request here."""
    origin = allowed_origin(request, origins)
    if not origin:
        return HttpResponse(status=403)
    if request.method == "OPTIONS":
        return preflight(origin)
    if is_too_often(request, key, rate, timezone.now()):
        return with_origin(HttpResponse(status=429), origin)
    return origin


def _form(key: UUID) -> WebForm:
    form = open_form(key)
    if form is None:
        raise Http404("There is no such form.")
    return form


def _site(key: UUID) -> TrackedSite:
    site = TrackedSite.objects.filter(key=key, is_open=True).first()
    if site is None:
        raise Http404("There is no such site.")
    return site


def _sent(request: HttpRequest, body: dict[str, Any]) -> Sent:
    visitor = visitor_of(body.get("visitor"))
    page, referrer = body.get("page"), body.get("referrer")
    context = Context(
        landing_page=_clean(page) if is_web_address(page) else "",
        referrer=_clean(referrer) if is_web_address(referrer) else "",
        visitor_id=visitor,
        user_agent=_clean(request.headers.get("User-Agent", "")),
    )
    return Sent(
        given=body["values"],
        token=str(body.get("token", "")),
        trap=str(body.get("homepage", "")),
        context=context,
        first=_first(body.get("first")),
    )


def _first(told: Any) -> FirstVisit | None:
    if not isinstance(told, dict) or not is_web_address(told.get("p")):
        return None
    try:
        at = datetime.fromtimestamp(float(told.get("t", 0)) / 1000, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    referrer = told.get("r")
    return FirstVisit(at, _clean(told["p"]), _clean(referrer) if is_web_address(referrer) else "")


def _clean(text: Any) -> str:
    """A text that every database takes."""
    return str(text or "").replace("\0", "").encode("utf-8", "ignore").decode()[:1000]


def _answer(form: WebForm, asked: Asked, taken: Taken | Answers) -> HttpResponse:
    if isinstance(taken, Taken):
        return JsonResponse({"status": "received", "message": form.thanks, "redirect": form.redirect_url})
    faults = {name: said for name, said in taken.faults.items() if name}
    message = taken.faults.get("") or words_of(asked.language).problems
    return JsonResponse({"status": "invalid", "message": message, "errors": faults}, status=422)


@lru_cache(maxsize=1)
def _script() -> str:
    return _SCRIPT.read_text()
