"""What a machine lacks is named with the command that mends it; in CI it is a failure."""

from __future__ import annotations

import pytest

from config.dev import system


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where the need is unmet and nothing can be installed."""
    need = system.Need("PDF reports", lambda: False, ("libpango-1.0-0",))
    monkeypatch.setattr(system, "NEEDS", {"pdf": need})
    monkeypatch.setenv("PATH", "/nonexistent")


def test_advice_is_one_line_with_the_command() -> None:
    line = system.advice("browser", as_root=False)
    assert line == (
        "No browser tests on this machine. On Debian or Ubuntu: sudo apt-get install chromium fonts-liberation"
    )
    assert "sudo" not in system.advice("browser", as_root=True)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0), ("false", 0)])
def test_unmet_need_fails_only_in_ci(ci: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert system.main(["pdf"], {"CI": ci}) == status
    assert "apt-get install libpango-1.0-0" in capsys.readouterr().err


def test_unknown_need_is_a_usage_error() -> None:
    assert system.main(["coffee"], {}) == 2
    assert system.main([], {}) == 2
