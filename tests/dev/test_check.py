"""The checks report every failure, and the OpenAPI comparison shows what changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.dev import check


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {"bad": lambda folder: (False, "three wheels"), "good": lambda folder: (True, "noise")}
    monkeypatch.setattr(check, "STEPS", steps)


@pytest.mark.usefixtures("two_steps")
def test_all_steps_run_before_the_command_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([]) == 1
    out = capsys.readouterr().out
    assert "three wheels" in out
    assert "ok    good" in out
    assert "noise" not in out
    assert out.endswith("Failed: bad\n")
    assert check.main(["good"]) == 0
    assert check.main(["good", "ugly"]) == 2


def test_difference_is_empty_for_equal_texts_and_short_for_others() -> None:
    assert check.difference("a\nb\n", "a\nb\n") == ""
    assert "+c" in check.difference("a\nb\n", "a\nc\n")
    long = check.difference("", "\n".join(str(number) for number in range(1000)))
    assert long.splitlines()[-1].endswith("more lines")


def test_failing_command_shows_its_output(tmp_path: Path) -> None:
    assert check.execute(["sh", "-c", "echo $PORTAL_MODE; exit 1"], {"PORTAL_MODE": "x"}) == (False, "x\n")


def test_production_environment_is_accepted_by_the_settings(tmp_path: Path) -> None:
    is_good, output = check.STEPS["deploy"](tmp_path)
    assert is_good, output
