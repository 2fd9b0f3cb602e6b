"""The command, as the how-to page shows it."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from leads.management.commands import import_csv
from leads.models import Account, ImportMapping, ImportRun, Lead, Opportunity, Touchpoint
from leads.pure.imports.fields import FIELDS
from tests.leads.factories import UserFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/import.md").read_text()
COMMANDS = re.findall(r"^\.venv/bin/python manage\.py (import_csv .+)$", PAGE, re.MULTILINE)


def run(command: str) -> str:
    name, *words = shlex.split(command)
    out = io.StringIO()
    call_command(name, *[str(ROOT / word) if word.startswith("tests/") else word for word in words], stdout=out)
    return out.getvalue()


def test_the_commands_of_the_page(company: object) -> None:
    outs = [run(command) for command in COMMANDS]
    lasts = [out.splitlines()[-1] for out in outs]
    people, deals = 200, Opportunity.objects.count()
    assert lasts == [
        f"Would be created {people}, updated 0, unchanged 0, rejected 0.",
        f"Were created {people}, updated 0, unchanged 0, rejected 0.",
        f"Were created 0, updated 0, unchanged {people}, rejected 0.",
        f"Were created {deals}, updated 0, unchanged 0, rejected 0.",
    ]
    assert lasts[1] in PAGE
    assert Lead.objects.filter(attributes__origin="other publicities").exclude(channel__key="display").count() == 0
    assert ImportMapping.objects.get().defaults == {
        "stage": "mql",
        "channels": {"other publicities": "display"},
        "encoding": "utf-8-sig",
        "delimiter": ",",
        "header_line": 1,
    }


def test_one_moment_holds_for_the_file_its_job_and_its_rows(company: object, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email,name\nada@x.example,Ada King\n")

    run(f"import_csv leads {path}")

    kept = ImportRun.objects.select_related("job").get()
    assert kept.job is not None
    assert kept.created_at == kept.job.created_at
    assert kept.created_at == Touchpoint.objects.get().occurred_at


def test_the_page_names_every_field() -> None:
    for kind, fields in FIELDS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| {kind} |"))
        assert [name for name in (each.name for each in fields) if name not in row] == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--map nothing", "No mapping of leads is saved as 'nothing'"),
        ("--column email=gone", "The file has no column 'gone'"),
        ("--column shoes=origin", "There is no field 'shoes'"),
        ("--column external_id=", "Choose the column for External id or Email"),
        ("--channel social", "needs the form NAME=VALUE"),
        ("--channel social=nowhere", "There is no channel 'nowhere'"),
        ("--set stage=customer", "not 'customer'"),
        ("--set color=red", "There is no setting 'color'"),
        ("--set dates=dym", "There is no setting of dates 'dym'"),
        ("--stage hot=nowhere", "There is no stage 'nowhere'"),
        ("--owner Sam=nobody@us.example", "There is no user 'nobody@us.example'"),
        ("--encoding utf-16", "The file is not UTF-16"),
        ("--delimiter ~", "is no delimiter"),
        ("--header-line 900", "must name the columns"),
        ("--rejected /nowhere/out.csv", "cannot be written: there is no folder"),
    ],
)
def test_what_the_command_refuses(company: object, more: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(f"import_csv leads tests/data/funnel_leads.csv {more}")
    assert not Lead.objects.exists()


def test_a_missing_file(company: object) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run("import_csv leads nowhere.csv")


def test_what_is_left_out_is_told(company: object, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    rows = "".join(f"{number},nobody,x\n" for number in range(12))
    source.write_text(f"Report\nid,email,shoe size\n{rows}90,ada@x.example,y\n")
    lines = run(f"import_csv leads {source}").splitlines()
    assert lines[0] == "Read as UTF-8, header in line 2."
    assert lines[1] == "Left out, because no field takes them: shoe size."
    assert lines[2] == "13 of 13 rows"
    assert lines[3].startswith("Line 3: email: An email address contains exactly one @.")
    assert lines[-2] == "And 2 more rows were left out; --rejected FILE writes them all."
    assert lines[-1] == "Were created 1, updated 0, unchanged 0, rejected 12."


def test_an_open_question_names_its_option(company: object, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("email,date\nada@x.example,3/4/2026\n")
    with pytest.raises(CommandError, match=r"could be two days\. Choose dates: .*Add --set dates=…"):
        run(f"import_csv leads {source}")
    assert "created 1," in run(f"import_csv leads {source} --set dates=dmy")


def test_words_of_another_system(company: object, tmp_path: Path) -> None:
    UserFactory(email="sam@us.example", name="Sam Rivers")
    source = tmp_path / "in.csv"
    source.write_text("id;stage;owner;amount\n1;Hot;S. R.;1.234,50\n")
    answers = '--stage Hot=proposal --owner "S. R.=sam@us.example" --set opened=dates'
    assert "created 1," in run(f"import_csv opportunities {source} {answers}")
    deal = Opportunity.objects.get()
    assert (deal.stage.key, deal.owner.email, deal.amount_cents) == ("proposal", "sam@us.example", 123_450)


def test_a_file_of_accounts(company: object, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("account,country\nLooms,Deutschland\n")
    assert run(f"import_csv accounts {source}").splitlines()[-1].startswith("Were created 1,")
    assert Account.objects.get().country == "DE"


def test_a_reader_who_leaves_does_not_stop_the_rows() -> None:
    code = """
import os, sys
import django
django.setup()
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from leads.management.commands.import_csv import Command
command = Command()
for _ in range(3):
    command._say("a line")
sys.stderr.write("went on")
"""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == "went on"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OperationalError("database is locked\nmore")])
def test_the_command_ends_in_one_line(
    company: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def stop(**_: object) -> None:
        raise error

    monkeypatch.setattr(import_csv, "import_rows", stop)
    source = tmp_path / "in.csv"
    source.write_text("email\nada@x.example\n")
    with pytest.raises(CommandError) as refused:
        run(f"import_csv leads {source}")
    assert "\n" not in str(refused.value)
    assert "again" in str(refused.value)


def test_rejected_rows_are_written_so_that_a_spreadsheet_runs_nothing(company: object, tmp_path: Path) -> None:
    source, rejected = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,email,notes\n1,nobody,"=HYPERLINK(""http://x"")"\n2,ada@x.example,fine\n')
    out = run(f"import_csv leads {source} --rejected {rejected}")
    assert "Line 2: email: An email address contains exactly one @." in out
    lines = rejected.read_text().splitlines()
    assert lines[0] == "rejected line,rejected because,rejected from import,id,email,notes"
    assert lines[1].endswith(',1,nobody,"\'=HYPERLINK(""http://x"")"')
