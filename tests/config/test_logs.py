"""What must never reach a log line."""

import logging

import pytest
import structlog
from django.conf import settings

from config.logs import redact


def test_secrets_are_blanked_by_name_at_any_depth() -> None:
    event = {"event": "call", "api_key": "k", "answer": {"items": [{"Authorization": "Bearer k"}], "status": 200}}
    assert redact(None, "info", event) == {
        "event": "call",
        "api_key": "[redacted]",
        "answer": {"items": [{"Authorization": "[redacted]"}], "status": 200},
    }


def test_keys_that_reset_a_password_are_blanked_in_request_lines() -> None:
    line = "GET /account/password/reset/key/1a-cxy9-3b0f/?next=/"
    assert redact(None, "info", {"request": line})["request"] == "GET /account/password/reset/key/[redacted]/?next=/"


def test_keys_sent_in_the_query_are_blanked() -> None:
    line = "POST /api/v1/leads?api_key=abc.def&from=2026-W40&access_token=xyz"
    blanked = redact(None, "info", {"request": line})["request"]
    assert blanked == "POST /api/v1/leads?api_key=[redacted]&from=2026-W40&access_token=[redacted]"


def test_an_exception_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    options = {key: value for key, value in settings.LOGGING["formatters"]["structured"].items() if key != "()"}
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**options))
    log = logging.getLogger("tests.logs")
    log.addHandler(handler)
    try:
        try:
            raise LookupError("nobody there")
        except LookupError:
            log.exception("it failed")
    finally:
        log.removeHandler(handler)
    assert "LookupError: nobody there" in capsys.readouterr().err
