"""House rules a reader relies on: no catch-all modules, every module says what it is, no left-overs."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "leads", "attribution", "integrations", "alignment")
CATCH_ALL = {"utils", "common", "core", "helpers", "services", "util", "misc"}
MODULES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def test_no_catch_all_modules() -> None:
    assert [str(path) for path in MODULES if path.stem in CATCH_ALL] == []


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_signals_and_no_promises_left_open() -> None:
    words = ("TODO", "FIXME", "NotImplementedError", "post_save", "pre_save", "m2m_changed")
    found = [f"{path.relative_to(ROOT)}: {word}" for path in MODULES for word in words if word in path.read_text()]
    assert found == []


DOORS = {"views", "api", "tasks", "admin", "management"}


def called_by_doors() -> set[tuple[str, str]]:
    """(module, function) for every name that a door imports from a module of actions."""
    doors = [path for path in MODULES if DOORS & {*path.relative_to(ROOT).parts, path.stem}]
    imports = [node for path in doors for node in ast.walk(ast.parse(path.read_text()))]
    return {
        (node.module, name.name)
        for node in imports
        if isinstance(node, ast.ImportFrom) and node.module and ".actions." in node.module
        for name in node.names
    }


def test_doors_call_actions_by_keywords_only() -> None:
    loose: list[str] = []
    called = called_by_doors()
    actions = [path for path in MODULES if "actions" in path.relative_to(ROOT).parts]
    assert len(called) > 20
    assert len(actions) > 100
    for path in actions:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and (module, node.name) in called and node.args.args:
                loose.append(f"{module}: {node.name}")
    assert loose == []
