"""A database that cannot hold every text is refused before anything is written."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import ConnectionHandler

from config import start
from config.start import encoding_problem

pytestmark = pytest.mark.django_db


def test_the_database_of_the_tests_holds_every_text() -> None:
    assert encoding_problem(connection) == ""
    assert [each.id for each in run_checks(databases=["default"]) if each.id == "config.E002"] == []


if connection.vendor == "postgresql":

    @pytest.mark.django_db(transaction=True)
    def test_a_database_in_another_encoding_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
        name = f"{connection.settings_dict['NAME']}_ascii"
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(
                f"CREATE DATABASE \"{name}\" ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc"
            )
        handler = ConnectionHandler({"default": {**connection.settings_dict, "NAME": name}})
        try:
            with monkeypatch.context() as patched:
                patched.setattr(start, "connection", handler["default"])
                with pytest.raises(ImproperlyConfigured, match=f"{name} is encoded in SQL_ASCII"):
                    start.refuse_without_history()
        finally:
            handler.close_all()
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}"')
