"""A file of another system is mapped, previewed and imported, at a browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser

DEALS = (
    "Opportunities of November\n"
    "id;rep;company;deal stage;opened;amount;;\n"
    "IMP-1;Jörg Müller;Import Looms;Hot;3/4/2026;1.234;;\n"
    "IMP-2;Jörg Müller;Import Looms;Engaging;5/6/2026;;;\n"
)


def test_a_file_is_mapped_previewed_and_imported(portal: Portal, visitor: Visitor) -> None:
    visitor.sign_in("marketing_director")
    page = visitor.page
    page.goto("/imports")
    page.get_by_label("What is in the file").select_option("opportunities")
    file = {"name": "deals.csv", "mimeType": "text/csv", "buffer": DEALS.encode("mac_roman")}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()

    page.get_by_role("heading", name="Map deals.csv").wait_for()
    assert "Mac" in page.get_by_label("Encoding").locator("option:checked").inner_text()
    assert page.get_by_label("Header line").input_value() == "2"
    assert page.get_by_role("cell", name="Jörg Müller").first.is_visible()
    visitor.look("import-mapping")

    # Nothing is tried before the open questions are answered.
    page.get_by_label("Order of day and month").select_option("dmy")
    page.get_by_label("Amounts are written with").select_option(",")
    page.get_by_label("Hot", exact=False).select_option("proposal")
    page.get_by_label("Create accounts that are not here yet").check()
    page.get_by_label("Save this mapping as").fill("November deals")
    page.get_by_role("button", name="Preview: try all rows").click()

    page.get_by_role("heading", name="What deals.csv would do").wait_for(timeout=60_000)
    assert page.get_by_text("3 Apr 2026").first.is_visible()
    visitor.look("import-preview")
    page.get_by_role("button", name="Import 2 rows").click()
    page.get_by_role("heading", name="deals.csv is in").wait_for(timeout=60_000)

    page.goto("/imports")
    page.get_by_label("What is in the file").select_option("opportunities")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("Use a saved mapping").select_option("November deals")
    page.get_by_role("button", name="Use it").click()
    page.wait_for_url(re.compile(r"map=November"))
    assert page.get_by_label("Order of day and month").input_value() == "dmy"
    assert page.get_by_label("Hot", exact=False).input_value() == "proposal"
