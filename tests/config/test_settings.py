"""Production refuses to start with what is unsafe, and says what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config.dev.check import production_environment

PROGRAM = "import config.settings as settings; print(settings.ALLAUTH_TRUSTED_PROXY_COUNT)"


def start(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )


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


def test_rate_limits_of_the_api_and_of_the_sign_in_trust_the_same_proxies(tmp_path: Path) -> None:
    done = start({**production_environment(tmp_path), "NUM_PROXIES": "1"})
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_the_tests_run_under_settings_of_their_own() -> None:
    assert settings.SETTINGS_MODULE == "tests.settings"
