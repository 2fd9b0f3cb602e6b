"""Front-end files we ship, copied out of npm packages: `python -m config.dev.vendor update|check`.

The files are committed, so nobody needs npm to run the portal. The manifest beside them holds each package's
version, license and tarball integrity and each file's SHA-256; `check` is offline and also refuses files
nobody listed. To add an icon, put its name into ICONS and run `make vendor`. htmx is not here: django-htmx
ships it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "static" / "vendor"
MANIFEST = "manifest.json"

ICONS = """
    arrow-down-right arrow-left arrow-repeat arrow-up-right bar-chart bell box-arrow-right building bullseye
    calendar-week cash-coin chat-left-text check-circle check-lg chevron-down chevron-right clock-history
    diagram-3 download envelope exclamation-triangle file-earmark-pdf flag funnel gear geo-alt globe
    graph-up hourglass-split house info-circle link-45deg list list-check megaphone moon pencil people
    person person-check person-x plug plus-lg printer question-circle search shield-check sliders sun table
    tag telephone three-dots trophy upload x-circle x-lg
"""

Members = Callable[[str], bytes]
"""Reads one file of a package by its path inside the package."""


def without_source_map(content: bytes) -> bytes:
    """Strip the sourceMappingURL comment: the map is not shipped, and the manifest storage fails on that."""
    return re.sub(rb"\n?/[/*]# sourceMappingURL=[^\n]*", b"", content).rstrip(b"\n") + b"\n"


def sprite(icons: Mapping[str, str]) -> bytes:
    """One SVG of `<symbol id=name>` for `<use href="icons.svg#name">`, from name → the icon's own SVG."""
    symbols = []
    for name, svg in sorted(icons.items()):
        match = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>(.*)</svg>', svg, re.DOTALL)
        if match is None:
            raise ValueError(f"icon {name} is not an SVG with a viewBox")
        body = re.sub(r">\s+<", "><", match[2].strip())
        symbols.append(f'<symbol id="{name}" viewBox="{match[1]}" fill="currentColor">{body}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def font_faces(css: str, subsets: tuple[str, ...]) -> bytes:
    """Only the `@font-face` rules of `subsets`, pointing at files in the same folder."""
    rules = re.findall(r"@font-face \{.*?\}", css, re.DOTALL)
    kept = [rule for rule in rules if any(f"inter-{subset}-wght" in rule for subset in subsets)]
    if len(kept) != len(subsets):
        raise ValueError(f"expected one @font-face for each of {subsets}, found {len(kept)}")
    return ("\n".join(kept).replace("./files/", "") + "\n").encode()


def _bootstrap(read: Members) -> dict[str, bytes]:
    names = ("css/bootstrap.min.css", "js/bootstrap.bundle.min.js")
    return {Path(name).name: without_source_map(read(f"dist/{name}")) for name in names}


def _inter(read: Members) -> dict[str, bytes]:
    subsets = ("latin", "latin-ext")
    fonts = {f"inter-{s}-wght-normal.woff2": read(f"files/inter-{s}-wght-normal.woff2") for s in subsets}
    return {**fonts, "inter.css": font_faces(read("wght.css").decode(), subsets)}


def _icons(read: Members) -> dict[str, bytes]:
    return {"icons.svg": sprite({name: read(f"icons/{name}.svg").decode() for name in ICONS.split()})}


@dataclass(frozen=True)
class Package:
    """One npm package: where its files land, which version, and how to pick the files."""

    folder: str
    name: str
    version: str
    pick: Callable[[Members], dict[str, bytes]] = field(repr=False)


PACKAGES = (
    Package("bootstrap", "bootstrap", "5.3.9", _bootstrap),
    Package("inter", "@fontsource-variable/inter", "5.3.0", _inter),
    Package("icons", "bootstrap-icons", "1.13.2", _icons),
)


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def problems(folder: Path) -> list[str]:
    """What differs between the files in `folder` and its manifest, one line each; empty when all is well."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        return [f"{MANIFEST}: unreadable ({error})"]
    listed = {path: digest for package in manifest.values() for path, digest in package["files"].items()}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    found = [f"{path}: missing" for path in sorted(listed.keys() - present)]
    found += [f"{path}: not in the manifest" for path in sorted(present - listed.keys())]
    for path in sorted(listed.keys() & present):
        content = (folder / path).read_bytes()
        if sha256(content) != listed[path]:
            found.append(f"{path}: differs from the manifest")
        if path.endswith((".css", ".js")) and b"sourceMappingURL" in content:
            found.append(f"{path}: names a source map that is not shipped")
    return found


def _fetch(package: Package, folder: Path) -> dict[str, object]:
    """Download one package with npm, write its files below `folder`, return its manifest entry."""
    with tempfile.TemporaryDirectory() as temporary:
        command = ["npm", "pack", f"{package.name}@{package.version}", "--json", "--ignore-scripts"]
        answer = subprocess.run(
            [*command, "--pack-destination", temporary], check=True, text=True, stdout=subprocess.PIPE
        )
        packed = json.loads(answer.stdout)
        about = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:

            def read(path: str) -> bytes:
                member = archive.extractfile(f"package/{path}")
                if member is None:
                    raise FileNotFoundError(path)
                return member.read()

            files = {**package.pick(read), "LICENSE": read("LICENSE")}
            meta = json.loads(read("package.json"))
    target = folder / package.folder
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    return {
        "package": package.name,
        "version": meta["version"],
        "license": meta["license"],
        "integrity": about["integrity"],
        "files": {f"{package.folder}/{name}": sha256(content) for name, content in sorted(files.items())},
    }


def update(folder: Path) -> None:
    """Download every package again and rewrite files and manifest. Needs npm and the npm registry."""
    manifest = {package.folder: _fetch(package, folder) for package in PACKAGES}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def main(arguments: list[str]) -> int:
    """Run `update` or `check`; returns the exit status."""
    if arguments not in (["update"], ["check"]):
        print("usage: python -m config.dev.vendor update|check", file=sys.stderr)
        return 2
    if arguments == ["update"]:
        if shutil.which("npm") is None:
            print("npm is needed to update the vendored files (not to use them).", file=sys.stderr)
            return 1
        update(OUT)
    found = problems(OUT)
    for line in found:
        print(f"static/vendor/{line}", file=sys.stderr)
    if not found:
        print(f"static/vendor: {len(PACKAGES)} packages as in the manifest")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
