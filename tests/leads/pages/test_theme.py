"""The theme is kept per user and holds in the portal and in the administration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Theme, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
HOLDS_COLORS = {"theme", "admin", "print"}
CSS = Path(__file__).resolve().parents[3] / "static" / "css"


def test_the_choice_is_kept_and_leads_back(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    assert 'data-theme="system"' in client.get("/leads").content.decode()
    answer = client.post(reverse("leads:theme"), {"theme": "dark", "back": "/leads?sort=name"})
    assert answer.status_code == 302
    assert answer["Location"] == "/leads?sort=name"
    admin_user.refresh_from_db()
    assert admin_user.theme == Theme.DARK
    assert 'data-theme="dark"' in client.get("/leads").content.decode()
    assert '<meta name="theme" content="dark">' in client.get("/admin/").content.decode()


def test_only_themes_there_are_and_only_our_own_addresses(client: Client, rep: User) -> None:
    client.force_login(rep)
    assert client.post(reverse("leads:theme"), {"theme": "pink"}).status_code == 400
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        assert client.post(reverse("leads:theme"), {"theme": "light", "back": back})["Location"] == "/"
    rep.refresh_from_db()
    assert rep.theme == Theme.LIGHT


def test_somebody_unknown_follows_the_system(client: Client) -> None:
    assert 'data-theme="system"' in client.get("/account/login/").content.decode()
    assert client.post(reverse("leads:theme"), {"theme": "dark"}).status_code == 302


@pytest.mark.parametrize("name", sorted(each.stem for each in CSS.glob("*.css") if each.stem not in HOLDS_COLORS))
def test_no_color_stands_outside_the_pairs(name: str) -> None:
    """A color of its own would stay light in the dark theme; white on a filled button is the one that may."""
    screen = re.sub(r"@media print \{.*", "", (CSS / f"{name}.css").read_text(), flags=re.DOTALL)
    found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", screen))
    assert found <= {"#fff"}
    assert not re.search(r"background(-color)?: #fff", screen)
