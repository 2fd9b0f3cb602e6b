"""Production refuses to start with what is unsafe, and says what is missing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config.dev.check import production_environment

ROOT = Path(__file__).parents[2]
PROGRAM = "import config.settings as settings; print(settings.ALLAUTH_TRUSTED_PROXY_COUNT)"


def start(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM], env=env, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("FIELD_ENCRYPTION_KEYS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("PORTAL_URL", "http://portal.example.com"),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("EMAIL_URL", ""),
    ],
)
def test_an_unsafe_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = start({**production_environment(tmp_path), name: value})
    assert done.returncode != 0
    assert f"Production refuses to start: {name} missing or unsafe" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIELD_ENCRYPTION_KEYS", "a"),
        ("FIELD_ENCRYPTION_KEYS", f"{'x' * 40},"),
        ("EMAIL_URL", "nonsense"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://mail.example.com:port"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://db/portal"),
        ("DATABASE_URL", "postgres://portal:secret@db:port/portal"),
        ("DATABASE_URL", "postgres://db/"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://:secret@"),
        ("API_RATE", "lots"),
        ("API_RATE", "10/fortnight"),
        ("NUM_PROXIES", "one"),
        ("NUM_PROXIES", "-1"),
        ("BEHIND_PROXY", "perhaps"),
        ("SECURE_SSL_REDIRECT", "ja"),
        ("SANDBOX_CRM_ALLOWED", "maybe"),
        ("SANDBOX_CRM_URL", "nowhere"),
        ("LOG_LEVEL", "LOUD"),
        ("PORTAL_URL", "portal.example.com"),
        ("PORTAL_MODE", "prod"),
        ("ALLOWED_HOSTS", "https://portal.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "portal.example.com"),
        ("DEFAULT_FROM_EMAIL", "portal"),
        ("EMAIL_WEBHOOK_SECRET", "short"),
        ("EMAIL_WEBHOOK_SECRET", "with/a/slash/and/long/enough/to/be/one"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    done = start({**production_environment(tmp_path), name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"django.core.exceptions.ImproperlyConfigured: {name} ")
    assert " must " in last
    assert "secret" not in last
    assert "During handling" not in done.stderr


def examples() -> list[tuple[str, str]]:
    """Every variable of the guide with its example, as if somebody had filled in what only they know."""
    guide = (ROOT / "docs" / "deploy.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]+)`|(another )?64 random characters) \|", guide, re.MULTILINE)
    return [(name, value.replace("…", "secret") or f"{name:x<64}") for name, value, _ in rows]


@pytest.mark.parametrize(("name", "value"), examples())
def test_the_examples_of_the_guide_are_taken(tmp_path: Path, name: str, value: str) -> None:
    given = str(tmp_path) if name == "VAR_DIR" else value
    done = start({**production_environment(tmp_path), name: given})
    assert done.returncode == 0, done.stderr


def test_the_guide_has_examples() -> None:
    assert {"EMAIL_URL", "SECRET_KEY", "API_RATE"} <= {name for name, _ in examples()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIELD_ENCRYPTION_KEYS", f"{'x' * 40},old"),
        ("EMAIL_URL", "submission://user:secret@mail.example.com:587"),
        ("DATABASE_URL", "postgres://portal:secret@db/portal?sslmode=require"),
        ("REDIS_URL", "unix:///run/redis.sock"),
        ("REDIS_URL", "rediss://:secret@redis.example.com:6380/1"),
        ("DEFAULT_FROM_EMAIL", "RevOps <portal@example.com>"),
        ("ALLOWED_HOSTS", "portal.example.com, .example.org,[::1]"),
        ("LOG_LEVEL", "info"),
        ("API_RATE", "20/s"),
    ],
)
def test_what_is_meant_is_taken(tmp_path: Path, name: str, value: str) -> None:
    done = start({**production_environment(tmp_path), name: value})
    assert done.returncode == 0, done.stderr


def test_rate_limits_of_the_api_and_of_the_sign_in_trust_the_same_proxies(tmp_path: Path) -> None:
    done = start({**production_environment(tmp_path), "NUM_PROXIES": "1"})
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_the_tests_run_under_settings_of_their_own() -> None:
    assert settings.SETTINGS_MODULE == "tests.settings"
