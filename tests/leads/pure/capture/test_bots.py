"""Touches that nobody made are told from those of people."""

from __future__ import annotations

import pytest

from leads.pure.capture.bots import REASONS, touch_exclusion

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
CUBOT = "Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "kind", "seconds", "is_internal", "reason"),
    [
        (CHROME, "form_submission", None, False, ""),
        (CHROME, "form_submission", None, True, "internal"),
        (CHROME, "email_click", 60, False, ""),
        (CHROME, "email_click", 4.9, False, "mail_scanner"),
        (CHROME, "email_open", 1, False, "mail_scanner"),
        (CHROME, "form_submission", 1, False, ""),
        (GMAIL, "email_open", 300, False, ""),
        ("Mozilla/5.0", "email_open", 300, False, "prefetch"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "page_view", None, False, "bot"),
        ("Mozilla/5.0 HeadlessChrome/140", "form_submission", None, False, "bot"),
        ("Barracuda Sentinel (EE)", "email_click", 900, False, "mail_scanner"),
        ("python-requests/2.32", "email_click", 900, False, "mail_scanner"),
        ("python-requests/2.32", "page_view", None, False, "bot"),
        ("python-requests/2.32", "form_submission", None, False, ""),
        ("", "webinar_attendance", None, False, ""),
    ],
)
def test_reasons(agent: str, kind: str, seconds: float | None, is_internal: bool, reason: str) -> None:
    assert touch_exclusion(agent, kind, seconds, is_internal) == reason
    assert not reason or reason in REASONS


def test_a_phone_whose_name_ends_in_bot_is_a_phone() -> None:
    assert touch_exclusion(CUBOT, "page_view") == ""
