"""The sandbox CRM's pages, walked as a browser without JavaScript would."""

import http.client
import re
from urllib.parse import urlencode

import pytest

from tests.integrations.sandbox_crm.running import TOKEN, running_crm


class Browser:
    """Keeps the cookie, follows a redirect, posts the form token of the page it is on."""

    def __init__(self, port):
        self.port, self.cookie, self.body, self.status, self.headers, self.path = port, "", "", 0, {}, ""

    def go(self, path, form=None, follow=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", path, body, {"Cookie": self.cookie})
        response = connection.getresponse()
        self.body, self.status, self.headers, self.path = (
            response.read().decode(),
            response.status,
            response.headers,
            path,
        )
        connection.close()
        if cookie := self.headers["Set-Cookie"]:
            self.cookie = cookie.split(";")[0]
        if follow and self.status == 303:
            return self.go(self.headers["Location"])
        return self

    def submit(self, path, **form):
        token = re.search(r'name="form_token" value="(\w+)"', self.body)[1]
        return self.go(path, {"form_token": token, **form})


@pytest.fixture
def server(tmp_path):
    with running_crm(tmp_path / "crm.sqlite3") as server:
        server.store.upsert_people(
            [
                {
                    "external_id": "L1",
                    "first_name": "Ada",
                    "last_name": "Byron",
                    "company": "Engines",
                    "owner_id": "O-1",
                },
                {"external_id": "L2", "first_name": "<b>Bob</b>", "company": '"><script>x</script>'},
            ]
        )
        yield server


@pytest.fixture
def browser(server):
    return Browser(server.server_port).go("/login", {"token": TOKEN})


def test_pages_ask_for_the_token_first(server):
    stranger = Browser(server.server_port)
    for path in ("/", "/people/P-000001", "/deals"):
        assert "Ada" not in stranger.go(path).body
        assert 'name="token"' in stranger.body
    assert stranger.go("/login", {"token": "wrong"}).status == 401
    assert stranger.go("/people/P-000001/deals", {"name": "X"}).status == 401
    assert server.store.counts()["deals"] == 0


def test_the_cookie_is_not_the_token_and_is_guarded(server):
    browser = Browser(server.server_port).go("/people/P-000001?token=" + TOKEN, follow=False)
    assert browser.headers["Location"] == "/people/P-000001", "the token leaves the address bar"
    cookie = browser.headers["Set-Cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Ada Byron" in browser.go("/people/P-000001").body


def test_a_sign_in_link_cannot_send_away(server):
    browser = Browser(server.server_port).go("//evil.example/?token=" + TOKEN, follow=False)
    assert browser.headers["Location"] == "/"


def test_search_finds_by_name_company_and_id(browser):
    assert "Ada Byron" in browser.go("/?q=ada+byr").body
    assert "Ada Byron" in browser.go("/?q=ENGINES").body
    assert "Ada Byron" in browser.go("/?q=L1").body
    assert "Ada Byron" not in browser.go("/?q=%25").body, "a percent sign is text"


def test_a_person_closes_a_deal_by_hand(server, browser):
    browser.go("/people/P-000001")
    browser.submit("/people/P-000001/deals", name="Engine 2", amount="12,500", currency="eur", stage="proposal")
    assert browser.path == "/deals/D-000001"
    assert "12,500.00 EUR" in browser.body
    browser.submit("/deals/D-000001", verb="move", stage="negotiation")
    assert '<span class="badge open">Negotiation</span>' in browser.body
    browser.submit("/deals/D-000001", verb="won", amount="13000.50")
    deal = server.store.get("deals", "D-000001")
    assert (deal["status"], deal["amount"], deal["owner_id"]) == ("won", "13000.50", "O-1")
    assert deal["contacts"][0]["external_id"] == "L1"
    assert len(server.store.history(["D-000001"])) == 3
    assert "by hand" in browser.body
    assert "Engine 2" in browser.go("/deals?status=won").body
    assert "Engine 2" not in browser.go("/deals").body


def test_a_deal_is_lost_for_a_reason(server, browser):
    browser.go("/people/P-000001").submit("/people/P-000001/deals", name="D", currency="EUR")
    browser.submit("/deals/D-000001", verb="lost", lost_reason="Budget")
    deal = server.store.get("deals", "D-000001")
    assert (deal["status"], deal["lost_reason"], deal["amount"]) == ("lost", "Budget", None)


def test_forms_without_their_token_change_nothing(server, browser):
    assert browser.go("/people/P-000001/deals", {"name": "X", "currency": "EUR"}).status == 403
    assert server.store.counts()["deals"] == 0


def test_bad_form_values_get_a_sentence(server, browser):
    browser.go("/people/P-000001").submit("/people/P-000001/deals", name="D", currency="EUR", amount="lots")
    assert browser.status == 422
    assert "amount is a decimal" in browser.body
    assert browser.go("/deals/D-9").status == 404


def test_payloads_are_text(browser):
    for path in ("/", "/people/P-000002"):
        body = browser.go(path).body
        assert "<script" not in body
        assert "<b>Bob" not in body
        assert "&lt;b&gt;Bob" in body
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    assert "style=" not in body


def test_the_style_sheet_is_served(browser):
    browser.go("/style.css")
    assert browser.status == 200
    assert browser.headers["Content-Type"].startswith("text/css")
