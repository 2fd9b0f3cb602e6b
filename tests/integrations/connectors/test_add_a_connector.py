"""The how-to is true: its three files, written to disk as they stand there, are found and pass the whole contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = """
import integrations.connectors, integrations.sandbox_crm.dialects
integrations.connectors.__path__.append({folder!r} + "/integrations/connectors")
integrations.sandbox_crm.dialects.__path__.append({folder!r} + "/integrations/sandbox_crm/dialects")
"""


@pytest.mark.slow
def test_the_three_files_of_the_page_pass_the_contract(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-a-connector.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", page, re.DOTALL)
    assert [path.rsplit("/", 1)[0] for path, _ in blocks] == [
        "integrations/connectors", "integrations/sandbox_crm/dialects", "tests/integrations/connectors",
    ]  # fmt: skip
    for path, text in blocks:
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "how_to_paths.py").write_text(PLUGIN.format(folder=str(tmp_path)), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    further = ["-q", "-p", "no:cacheprovider", "-p", "how_to_paths", "--import-mode=importlib"]
    further += ["-c", str(ROOT / "pyproject.toml")]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(tmp_path / blocks[2][0]), *further],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    told = re.search(r"(\d+) passed", done.stdout)
    assert told
    assert int(told[1]) > 60
    assert "skipped" not in done.stdout
