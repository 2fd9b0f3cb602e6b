"""Every text a person can read: of templates, of strings in code, of documents and of the API's description."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "leads", "attribution", "integrations", "alignment")
# Code of Django's templates, comments, tags of HTML, and what is between them.
PIECES = re.compile(r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<!--.*?-->|<[^<>]*?(?:\{[{%].*?[%}]\}[^<>]*?)*>)", re.DOTALL)
QUOTED = re.compile(r"\"([^\"]*)\"")
ATTRIBUTES = re.compile(r"(?:aria-label|aria-description|title|placeholder|alt|data-label)=\"([^\"]*)\"")
LOGIC = re.compile(r"\{%\s*(?:if|elif|url|include|extends|load|with|for|ifchanged|static|csrf_token)\b")
# A text that is a key, a path, a style class or a query, and no sentence or label.
NO_TEXT = re.compile(r"[a-z0-9_./:#?&=%\[\]{}<>+*@-]*\Z|[A-Z_]+\Z")


class Text(NamedTuple):
    """A text, with its file, its line and its place in the file."""

    path: str
    line: int
    text: str
    start: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' '.join(self.text.split())[:120]}"


def of_templates() -> Iterator[Text]:
    """Text between tags, texts given to our own tags, and attributes that are read out or shown."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt"):
            yield from of_template(path.read_text(), str(path.relative_to(ROOT)))


def of_template(source: str, name: str) -> Iterator[Text]:
    """The texts of one template."""
    at = 0
    for number, piece in enumerate(PIECES.split(source)):
        if number % 2 == 0:
            found = [(0, piece)] if piece.strip() else []
        elif piece.startswith(("{#", "<!--")):
            found = []
        elif piece.startswith("<"):
            found = [(match.start(1), match[1]) for match in ATTRIBUTES.finditer(piece)]
        else:
            is_logic = LOGIC.match(piece)
            pattern = re.compile(r"(?:yesno|pluralize|default|add):\"([^\"]*)\"") if is_logic else QUOTED
            found = [(match.start(1), match[1]) for match in pattern.finditer(piece)]
        for offset, text in found:
            if not NO_TEXT.match(text):
                yield Text(name, source.count("\n", 0, at + offset) + 1, text, at + offset)
        at += len(piece)


def of_code() -> Iterator[Text]:
    """Strings of modules that are not docstrings, keys or patterns; texts of docstrings where the API shows them."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from of_module(path.read_text(), str(path.relative_to(ROOT)))


def of_module(source: str, name: str) -> Iterator[Text]:
    """The texts of one module."""
    tree = ast.parse(source)
    silent = _exported(tree) | (_docstrings(tree) if "/api/" not in name else set())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in silent:
            continue
        if not NO_TEXT.match(node.value.strip()):
            yield Text(name, node.lineno, node.value)


def _exported(tree: ast.AST) -> set[ast.AST]:
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    exported = [
        node for node in named if any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets)
    ]
    return {each for node in exported for each in ast.walk(node)}


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        # Also a string that follows a constant and describes it.
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(statement.value)
    return found


def of_documents() -> Iterator[Text]:
    """Lines of documents, without code."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for path in paths:
        is_code = False
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("```"):
                is_code = not is_code
            elif not is_code and line.strip():
                yield Text(str(path.relative_to(ROOT)), number, re.sub(r"`[^`]*`", "", line))


def of_api() -> Iterator[Text]:
    """Titles, summaries and descriptions of the API's description."""
    path = ROOT / "tests/baselines/openapi.yaml"
    for text in _described(yaml.safe_load(path.read_text())):
        yield Text(str(path.relative_to(ROOT)), 0, text)


def _described(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("title", "summary", "description") and isinstance(value, str):
                yield value
            else:
                yield from _described(value)
    elif isinstance(node, list):
        for value in node:
            yield from _described(value)
