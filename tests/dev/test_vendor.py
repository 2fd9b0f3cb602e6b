"""The check of vendored files sees every kind of change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.dev import vendor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(vendor.OUT, tmp_path / "vendor"))


def test_committed_files_are_as_in_the_manifest() -> None:
    assert vendor.problems(vendor.OUT) == []


def test_changed_byte_is_seen(folder: Path) -> None:
    path = folder / "inter" / "inter-latin-wght-normal.woff2"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    assert vendor.problems(folder) == ["inter/inter-latin-wght-normal.woff2: differs from the manifest"]


def test_missing_and_unlisted_files_are_seen(folder: Path) -> None:
    (folder / "icons" / "icons.svg").rename(folder / "icons" / "other.svg")
    assert vendor.problems(folder) == ["icons/icons.svg: missing", "icons/other.svg: not in the manifest"]


def test_missing_manifest_is_a_problem(folder: Path) -> None:
    (folder / vendor.MANIFEST).unlink()
    assert vendor.problems(folder)[0].startswith("manifest.json: unreadable")


def test_source_map_comments_go() -> None:
    assert vendor.without_source_map(b"a{}\n/*# sourceMappingURL=a.css.map */\n") == b"a{}\n"
    assert vendor.without_source_map(b"f();\n//# sourceMappingURL=f.js.map") == b"f();\n"
    assert vendor.without_source_map(b"f();\n") == b"f();\n"


def test_sprite_has_one_symbol_an_icon() -> None:
    made = vendor.sprite({"b": '<svg viewBox="0 0 1 1"><path d="M0"/></svg>', "a": '<svg viewBox="0 0 2 2"> </svg>'})
    assert made.decode().splitlines()[1:-1] == [
        '<symbol id="a" viewBox="0 0 2 2" fill="currentColor"></symbol>',
        '<symbol id="b" viewBox="0 0 1 1" fill="currentColor"><path d="M0"/></symbol>',
    ]
    with pytest.raises(ValueError, match="icon x"):
        vendor.sprite({"x": "<p>"})


def test_every_wanted_icon_is_in_the_sprite() -> None:
    content = (vendor.OUT / "icons" / "icons.svg").read_text()
    assert [name for name in vendor.ICONS.split() if f'<symbol id="{name}"' not in content] == []


def test_a_lost_font_subset_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 0"):
        vendor.font_faces("@font-face { src: url(./files/other.woff2) }", ("latin",))
