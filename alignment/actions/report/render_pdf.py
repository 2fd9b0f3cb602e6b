"""Render a published report as PDF: its frozen content on two A4 pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from alignment.actions.report.render_report import present_report
from alignment.models import WeeklyReport

FONT = "portal:inter"
_FONT_FILE = "vendor/inter/inter-latin-wght-normal.woff2"
PAGES = 2


class PdfUnavailable(Exception):
    """The system libraries that make PDF files are missing; the message says which and what to install."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """How much goes on a page: the size of the type, rows of long lists, and characters of a name."""

    points: float
    listed: int = 12
    name: int = 200
    is_apart: bool = False

    @property
    def rows(self) -> str:
        """The rows of a long list, as a slice."""
        return f":{self.listed}"

    @property
    def text(self) -> int:
        """Characters of a sentence."""
        return 3 * self.name

    @property
    def long(self) -> int:
        """Characters of a paragraph."""
        return 9 * self.name


# From what reads best to what holds most; the first that takes two pages is taken.
_FITS = (_Fit(9.4), _Fit(8.6), _Fit(8), _Fit(7.5), _Fit(7.2, listed=6, name=80), _Fit(6.8, listed=3, name=44))
# For so little that it would stand on one page: what campaigns did begins the second.
_SHORT = _Fit(9.4, is_apart=True)


def render_pdf(*, report: WeeklyReport, company_name: str) -> bytes:
    """Two A4 pages. Raises PdfUnavailable where Pango is missing."""
    try:
        import weasyprint  # loads system libraries that a server may lack; only the PDF needs them
        from weasyprint.text.fonts import FontConfiguration
    except OSError as error:
        raise PdfUnavailable(
            "PDF files need the Pango library, which is missing on this server. On Debian: apt-get install "
            "libpango-1.0-0 libpangoft2-1.0-0. The page itself prints on two A4 pages from any browser."
        ) from error
    context = {**present_report(report=report), "company_name": company_name, "site": settings.PORTAL_URL}
    fetcher, fonts = _only_the_font(weasyprint.urls), FontConfiguration()

    def laid_out(fit: _Fit) -> Any:
        html = render_to_string("alignment/report/report_pdf.html", {**context, "fit": fit})
        return weasyprint.HTML(string=html, url_fetcher=fetcher).render(font_config=fonts)

    document = next((each for each in map(laid_out, _FITS) if len(each.pages) <= PAGES), None)
    if document is None or len(document.pages) < PAGES:
        document = laid_out(_SHORT if document else _FITS[-1])
    made: bytes = document.write_pdf()
    return made


def _only_the_font(urls: Any) -> Any:
    """A fetcher that gives the font and nothing else.

    A name written by a stranger must not make the server open addresses or read files.
    """
    font = next(path for folder in settings.STATICFILES_DIRS if (path := Path(folder) / _FONT_FILE).exists())

    class OnlyTheFont(urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url != FONT:
                raise ValueError("Reports load nothing from outside.")
            return urls.URLFetcherResponse(url, font.read_bytes(), {"Content-Type": "font/woff2"})

    return OnlyTheFont()
