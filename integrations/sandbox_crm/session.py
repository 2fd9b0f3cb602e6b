"""Signed in by the API token, once: the cookie holds a digest of it, never the token. Every form carries a second
digest, so a foreign page cannot post for a signed-in user.
"""

import hashlib
import hmac
import re
from http.cookies import CookieError, SimpleCookie

from . import html
from .messages import Answer, Request

COOKIE = "sandbox_crm_session"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


def login(token: str, request: Request) -> Answer:
    """The sign-in form and what comes of it."""
    given = request.form().get("token", "") if request.method == "POST" else request.one("token")
    if not given and request.method == "GET":
        return page("Sign in", html.login(), nav=False)
    if not hmac.compare_digest(given.encode(), token.encode()):
        return page("Sign in", html.login("That token is not the right one."), status=401, nav=False)
    target = "/" if request.path == "/login" else request.path
    cookie = f"{COOKIE}={digest(token, 'session')}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"
    return redirect(target if re.fullmatch(r"(/[\w-]+)*/?", target, re.ASCII) else "/", cookie)


def is_signed_in(token: str, request: Request) -> bool:
    """Whether the request brings our cookie."""
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return False
    return cookie is not None and hmac.compare_digest(cookie.value.encode(), digest(token, "session").encode())


def digest(token: str, purpose: str) -> str:
    """The token's digest for one purpose."""
    return hmac.new(token.encode(), f"sandbox-crm {purpose}".encode(), hashlib.sha256).hexdigest()


def redirect(target: str, cookie: str = "") -> Answer:
    """See other."""
    return Answer(303, headers=HEADERS | {"Location": target} | ({"Set-Cookie": cookie} if cookie else {}))


def page(title: str, body: str, *, status: int = 200, nav: bool = True) -> Answer:
    """A whole page."""
    return Answer(status, html.document(title, body, nav=nav).encode(), "text/html; charset=utf-8", HEADERS)
