"""The few pages at `/` where a person works the CRM by hand: find a person, open a deal, close it."""

import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from . import html
from .messages import Answer, Request
from .rules import Refused
from .session import COOKIE, digest, is_signed_in, login, page, redirect
from .store import Store

STYLE = Path(__file__).with_name("style.css").read_bytes()
PER_PAGE = 50


def answer(store: Store, token: str, request: Request) -> Answer:
    """Any page or form of the human side; raises `Refused` for addresses that do not exist."""
    if request.path == "/style.css":
        return Answer(200, STYLE, "text/css; charset=utf-8")
    if request.path == "/favicon.ico":
        return Answer(204, content_type="image/x-icon")
    if request.path == "/login" or "token" in request.query:
        return login(token, request)
    if not is_signed_in(token, request):
        return page("Sign in", html.login(), status=401 if request.method != "GET" else 200, nav=False)
    if request.method == "POST":
        return _post(store, token, request)
    try:
        return _get(store, token, request)
    except Refused as refused:
        return page("Not found", html.message(str(refused)), status=refused.status)


def _get(store: Store, token: str, request: Request) -> Answer:
    form_token = digest(token, "form")
    if request.path == "/":
        text = request.one("q").strip()[:100]
        return page("People", html.people(store.search_people(text, limit=PER_PAGE), text, PER_PAGE))
    if found := re.fullmatch(r"/people/([\w-]{1,60})", request.path, re.ASCII):
        person = store.get("people", found[1])
        deals = store.deals(person_id=person["id"], limit=200)
        body = html.person(person, deals, store.stages(), store.owners(), form_token)
        return page(html.name_of(person), body)
    if request.path == "/deals":
        status, stage, number = (
            request.one("status", "open"),
            request.one("stage"),
            _number(request.one("page")),
        )
        status = status if status in ("open", "won", "lost") else ""
        rows = store.deals(status=status, stage=stage, limit=PER_PAGE + 1, offset=(number - 1) * PER_PAGE)
        further = urlencode({"status": status or "all", "stage": stage, "page": number + 1})
        link = f"/deals?{further}" if len(rows) > PER_PAGE else ""
        return page("Deals", html.deals(rows[:PER_PAGE], store.stages(), status, link))
    if found := re.fullmatch(r"/deals/([\w-]{1,60})", request.path, re.ASCII):
        deal = store.get("deals", found[1])
        return page(deal["name"], html.deal(deal, store.history([found[1]]), store.stages(), form_token))
    raise Refused("not_found", "There is no such page.", status=404)


def _post(store: Store, token: str, request: Request) -> Answer:
    form = request.form()
    if not hmac.compare_digest(form.get("form_token", "").encode(), digest(token, "form").encode()):
        return page("Please try again", html.message("This form is out of date: go back and reload."), status=403)
    if request.path == "/logout":
        return redirect("/", f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    action: Callable[[Store, str, Mapping[str, str]], str]
    if found := re.fullmatch(r"/people/([\w-]{1,60})/deals", request.path, re.ASCII):
        action, back = _create_deal, f"/people/{found[1]}"
    elif found := re.fullmatch(r"/deals/([\w-]{1,60})", request.path, re.ASCII):
        action, back = _change_deal, f"/deals/{found[1]}"
    else:
        raise Refused("not_found", "There is no such form.", status=404)
    try:
        return redirect(action(store, found[1], form))
    except Refused as refused:
        return page("Please check", html.message(str(refused), back), status=refused.status)


def _create_deal(store: Store, person_id: str, form: Mapping[str, str]) -> str:
    person = store.get("people", person_id)
    deal = {
        "name": form.get("name", ""),
        "amount": _amount(form),
        "currency": form.get("currency", "EUR").upper(),
        "stage": form.get("stage") or None,
        "owner_id": person["owner_id"],
        "contacts": [{"person_id": person_id, "role": "primary"}],
    }
    return f"/deals/{store.create_deal(deal, by='by hand')['id']}"


def _change_deal(store: Store, deal_id: str, form: Mapping[str, str]) -> str:
    verb = form.get("verb", "")
    change: dict[str, object] = {}
    if verb == "move":
        change = {"stage": form.get("stage", "")}
    elif verb == "won":
        change = {"stage": store.first_stage("won"), "lost_reason": ""}
    elif verb == "lost":
        change = {"stage": store.first_stage("lost"), "lost_reason": form.get("lost_reason", "")}
    elif verb != "amount":
        raise Refused("invalid_form", "The form names nothing to do.", "verb", 400)
    if form.get("amount"):
        change["amount"] = _amount(form)
    store.change_deal(deal_id, change, by="by hand")
    return f"/deals/{deal_id}"


def _amount(form: Mapping[str, str]) -> str | None:
    """People write `12 500` and `12,500.00`; the API itself takes plain decimals only."""
    text = form.get("amount", "").replace(" ", "").replace(" ", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", text):
        text = text.replace(",", "")
    return text or None


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else 1
