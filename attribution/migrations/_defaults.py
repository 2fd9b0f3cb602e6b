"""The one row of rules, for the migrations beside it: the old one and the one that replaces it."""


def make_row(apps, schema_editor):
    apps.get_model("attribution", "AttributionRules").objects.get_or_create(pk=1)
