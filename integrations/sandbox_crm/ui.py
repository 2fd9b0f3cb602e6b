"""The few pages at `/` where a person works the CRM by hand: find a person, open a deal, close it.

Signed in by the API token, once: the cookie holds a digest of it, never the token. Every form carries a
second digest, so a foreign page cannot post for a signed-in user.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from . import html
from .messages import Answer, Request
from .rules import Refused
from .store import Store

COOKIE = "sandbox_crm_session"
STYLE = Path(__file__).with_name("style.css").read_bytes()
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}
PER_PAGE = 50


def answer(store: Store, token: str, request: Request) -> Answer:
    """Any page or form of the human side; raises `Refused` for addresses that do not exist."""
    if request.path == "/style.css":
        return Answer(200, STYLE, "text/css; charset=utf-8")
    if request.path == "/favicon.ico":
        return Answer(204, content_type="image/x-icon")
    if request.path == "/login" or "token" in request.query:
        return _login(token, request)
    if not _is_signed_in(token, request):
        return _page("Sign in", html.login(), status=401 if request.method != "GET" else 200, nav=False)
    if request.method == "POST":
        return _post(store, token, request)
    try:
        return _get(store, token, request)
    except Refused as refused:
        return _page("Not found", html.message(str(refused)), status=refused.status)


def _get(store: Store, token: str, request: Request) -> Answer:
    form_token = _digest(token, "form")
    if request.path == "/":
        text = request.one("q").strip()[:100]
        return _page("People", html.people(store.search_people(text, limit=PER_PAGE), text, PER_PAGE))
    if found := re.fullmatch(r"/people/([\w-]{1,60})", request.path, re.ASCII):
        person = store.get("people", found[1])
        deals = store.deals(person_id=person["id"], limit=200)
        body = html.person(person, deals, store.stages(), store.owners(), form_token)
        return _page(html.name_of(person), body)
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
        return _page("Deals", html.deals(rows[:PER_PAGE], store.stages(), status, link))
    if found := re.fullmatch(r"/deals/([\w-]{1,60})", request.path, re.ASCII):
        deal = store.get("deals", found[1])
        return _page(deal["name"], html.deal(deal, store.history([found[1]]), store.stages(), form_token))
    raise Refused("not_found", "There is no such page.", status=404)


def _post(store: Store, token: str, request: Request) -> Answer:
    form = request.form()
    if not hmac.compare_digest(form.get("form_token", "").encode(), _digest(token, "form").encode()):
        return _page("Please try again", html.message("This form is out of date: go back and reload."), status=403)
    if request.path == "/logout":
        return _redirect("/", f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    action: Callable[[Store, str, Mapping[str, str]], str]
    if found := re.fullmatch(r"/people/([\w-]{1,60})/deals", request.path, re.ASCII):
        action, back = _create_deal, f"/people/{found[1]}"
    elif found := re.fullmatch(r"/deals/([\w-]{1,60})", request.path, re.ASCII):
        action, back = _change_deal, f"/deals/{found[1]}"
    else:
        raise Refused("not_found", "There is no such form.", status=404)
    try:
        return _redirect(action(store, found[1], form))
    except Refused as refused:
        return _page("Please check", html.message(str(refused), back), status=refused.status)


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


def _login(token: str, request: Request) -> Answer:
    given = request.form().get("token", "") if request.method == "POST" else request.one("token")
    if not given and request.method == "GET":
        return _page("Sign in", html.login(), nav=False)
    if not hmac.compare_digest(given.encode(), token.encode()):
        return _page("Sign in", html.login("That token is not the right one."), status=401, nav=False)
    target = "/" if request.path == "/login" else request.path
    cookie = f"{COOKIE}={_digest(token, 'session')}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"
    return _redirect(target if re.fullmatch(r"(/[\w-]+)*/?", target, re.ASCII) else "/", cookie)


def _is_signed_in(token: str, request: Request) -> bool:
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return False
    return cookie is not None and hmac.compare_digest(cookie.value.encode(), _digest(token, "session").encode())


def _digest(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), f"sandbox-crm {purpose}".encode(), hashlib.sha256).hexdigest()


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else 1


def _redirect(target: str, cookie: str = "") -> Answer:
    return Answer(303, headers=HEADERS | {"Location": target} | ({"Set-Cookie": cookie} if cookie else {}))


def _page(title: str, body: str, *, status: int = 200, nav: bool = True) -> Answer:
    return Answer(status, html.document(title, body, nav=nav).encode(), "text/html; charset=utf-8", HEADERS)
