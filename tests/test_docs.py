"""The pages for readers name what exists: paths, dotted names, tests, commands, links."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest
from django.test import Client

from leads.models import Company, User

ROOT = Path(__file__).parent.parent
APPS = ("leads", "attribution", "integrations", "alignment", "config", "tests")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], key=str)
AS_OF = ROOT / "docs" / "as-of.md"
NAMING = [ROOT / "README.md", ROOT / "docs" / "tour.md", AS_OF]
ASKED = re.findall(r"^GET (\S+)$", AS_OF.read_text(), re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def quoted(document: Path) -> list[str]:
    """Everything in backticks outside of fenced blocks, once each."""
    return sorted(set(CODE.findall(FENCE.sub("", document.read_text()))))


@cache
def words_of_the_code() -> frozenset[str]:
    """Every word of our Python source, tests left out."""
    files = [path for app in APPS[:-1] for path in (ROOT / app).rglob("*.py")]
    return frozenset(word for path in files for word in re.findall(r"\w+", path.read_text()))


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def is_dotted(text: str) -> bool:
    return re.fullmatch(rf"({'|'.join(APPS)})(\.\w+)+", text) is not None and not text.endswith(".py")


def is_there(text: str) -> bool:
    """Whether a path, `path::test`, dotted name or bare snake_case word exists. Other texts are not ours to judge."""
    if "/" in text and text.split("/")[0] in (*APPS, "docs", "static", "templates", "var"):
        path, _, test = text.partition("::")
        return text.startswith("var/") or ((ROOT / path).exists() and (not test or test in functions(ROOT / path)))
    if is_dotted(text):
        return can_be_imported(text)
    if re.fullmatch(r"[a-z]+(_[a-z]+)+", text):
        return text in words_of_the_code()
    return True


def can_be_imported(text: str) -> bool:
    parts = text.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def anchors(document: Path) -> set[str]:
    """The fragments under which a page's headings can be reached."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> list[str]:
    broken = []
    for link in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (fragment and target.suffix == ".md" and fragment not in anchors(target)):
            broken.append(link)
    return broken


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands_on(document: Path) -> set[str]:
    """What follows the word make where it begins a command."""
    text = document.read_text()
    code = "\n".join([*CODE.findall(text), *FENCE.findall(text)])
    return set(re.findall(r"(?:^|[;&|] *|[A-Z]+=\S+ )make ([a-z-]+)", code, re.MULTILINE))


@pytest.mark.parametrize("document", NAMING, ids=name_of)
def test_every_name_on_the_page_exists(document: Path) -> None:
    assert [text for text in quoted(document) if not is_there(text)] == []


@pytest.mark.parametrize(
    "gone",
    [
        "leads/actions/nothing.py",
        "tests/test_docs.py::test_nothing",
        "leads.models.Nothing",
        "leads.nothing.here",
        "nothing_of_this_name_here",
    ],
)
def test_a_name_that_is_gone_is_noticed(gone: str) -> None:
    assert not is_there(gone)


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One part\n[a](nowhere.md) [b](#one-part) [c](#two) [d](https://example.com) [e](page.md#three)\n"
    )
    assert broken_links(page) == ["nowhere.md", "#two", "page.md#three"]


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_every_make_command_exists(document: Path) -> None:
    assert commands_on(document) - targets() == set()


def test_a_command_that_is_gone_is_noticed(tmp_path: Path) -> None:
    readme = tmp_path / "page.md"
    readme.write_text("Run `PORT=8123 make demo`, then `make nothing`.\n\n```sh\nmake gone  # a comment\n```\n")
    assert commands_on(readme) - targets() == {"nothing", "gone"}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ASKED)
def test_what_the_page_on_moments_asks_is_answered(
    company: Company, client: Client, sales_leader: User, address: str
) -> None:
    client.force_login(sales_leader)
    response = client.get(address)
    assert response.status_code == 200
    assert "2026-11-20" in f"{response.content.decode()}{response.headers}"


def test_the_page_on_moments_asks_something() -> None:
    assert len(ASKED) > 4
