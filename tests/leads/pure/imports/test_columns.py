"""Which column feeds which field, by its name."""

from __future__ import annotations

import pytest

from leads.pure.imports.fields import ACCOUNTS, LEADS, OPPORTUNITIES, MappingRefused, check_columns, guess_columns


def test_columns_are_guessed_by_their_names() -> None:
    header = ["MQL ID", "first_contact_date", "Landing-Page", "Origin", "Email Address", "whatever"]
    assert guess_columns(LEADS, header) == {
        "external_id": "MQL ID",
        "email": "Email Address",
        "occurred_at": "first_contact_date",
        "channel": "Origin",
        "landing_page": "Landing-Page",
    }
    assert guess_columns(OPPORTUNITIES, ["mql_id", "seller_id", "won_date"]) == {
        "external_id": "seller_id",
        "lead_external_id": "mql_id",
        "closed_at": "won_date",
    }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "E-Mail;Vorname;Nachname;Firma;Telefon;Land;Mitarbeiter;Erstkontakt;Status;Besitzer;Branche;PLZ;Bundesland",
            "email first_name last_name company phone country company_size occurred_at stage owner industry postal_code"
            " region",
        ),
        (
            "Courriel;Prénom;Nom de famille;Société;Téléphone;Pays;Effectif;Date de création;Propriétaire;Poste",
            "email first_name last_name company phone country company_size occurred_at owner job_title",
        ),
        (
            "Correo electrónico;Apellidos;Empresa;Teléfono;País;Número de empleados;Propietario;Código postal",
            "email last_name company phone country company_size owner postal_code",
        ),
    ],
)
def test_columns_of_exports_in_other_languages(header: str, expected: str) -> None:
    columns = header.split(";")
    assert guess_columns(LEADS, columns) == dict(zip(expected.split(), columns, strict=True))


@pytest.mark.parametrize(
    ("kind", "header", "fields"),
    [
        (OPPORTUNITIES, ["dealname", "dealstage", "closedate", "amount", "createdate"],
         "name stage closed_at amount opened_at"),
        (OPPORTUNITIES, ["Name", "StageName", "CloseDate", "CreatedDate"], "name stage closed_at opened_at"),
        (LEADS, ["FirstName", "LastName", "jobtitle", "MobilePhone", "NumberOfEmployees", "lifecyclestage"],
         "first_name last_name job_title phone company_size stage"),
        (LEADS, ["id", "created_time", "campaign_name", "email", "full_name", "phone_number"],
         "external_id occurred_at campaign email name phone"),
        (LEADS, ["Email*", "First Name:", "Company Name (required)"], "email first_name company"),
        (LEADS, ["display_name", "primary_email", "date_created"], "name email occurred_at"),
        (OPPORTUNITIES, ["Geschäftsname", "Kunde", "Phase", "Betrag"], "name account stage amount"),
        (
            LEADS,
            ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Contact owner", "Lifecycle Stage",
             "Create Date", "Associated Company (Primary)", "Unsubscribed from all email"],
            "external_id first_name last_name email phone owner stage occurred_at company unsubscribed",
        ),
        (
            OPPORTUNITIES,
            ["Record ID", "Deal Name", "Deal Stage", "Close Date", "Deal owner", "Amount", "Create Date",
             "Associated Company (Primary)"],
            "external_id name stage closed_at owner amount opened_at account",
        ),
        (
            OPPORTUNITIES,
            ["Opportunity ID", "Opportunity Name", "Account Name", "Opportunity Owner", "Stage", "Close Date", "Amount",
             "Amount Currency", "Created Date", "Last Stage Change Date", "Type"],
            "external_id name account owner stage closed_at amount . opened_at stage_since lead_type",
        ),
        (
            OPPORTUNITIES,
            ["Deal - ID", "Deal - Title", "Deal - Value", "Deal - Currency of Value", "Deal - Owner",
             "Deal - Organization", "Deal - Stage", "Deal - Deal created", "Deal - Won time"],
            "external_id name amount currency owner account stage opened_at closed_at",
        ),
        (
            ACCOUNTS,
            ["Record ID", "Company name", "Company Domain Name", "Company owner", "Number of Employees",
             "Country/Region", "State/Region", "Industry"],
            ". name domain owner company_size country region industry",
        ),
    ],
    ids=["HubSpot API", "Salesforce API", "names run together", "Meta lead forms", "required fields", "Close", "German",
         "HubSpot contacts", "HubSpot deals",
         "Salesforce", "Pipedrive", "HubSpot companies"],
)  # fmt: skip
def test_exports_of_other_systems_are_understood(kind: str, header: list[str], fields: str) -> None:
    expected = {field: name for name, field in zip(header, fields.split(), strict=True) if field != "."}
    assert guess_columns(kind, header) == expected


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"external_id": "gone"}, "external_id"), ({"shoe_size": "id"}, "shoe_size"), ({"company": "id"}, "external_id")],
)
def test_columns_that_cannot_be(columns: dict[str, str], field: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        check_columns(LEADS, columns, ["id"])
    assert refused.value.field == field
