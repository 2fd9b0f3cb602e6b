"""The index on what leads carry besides columns, for the migrations beside it: the old one and the one that replaces it."""

MAKE = (
    "CREATE INDEX lead_attributes ON leads_lead USING gin (attributes jsonb_path_ops) WHERE NOT (attributes = '{}')"
)


def make(apps, schema_editor):
    """Only PostgreSQL indexes whatever stands in a document."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(MAKE)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX lead_attributes")
