"""Rooms by subject: every file has a subject, subjects use only what is below them, doors use no other door.

Looked at is what is below the doors, without the models: nouns belong to everybody, and a door may call the verbs of
any subject. See docs/decisions/0011-rooms-by-subject.md.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# From the lowest up. A subject uses those of earlier lines and none of its own line.
ORDER = {
    "leads": """
        ground
        figure calendar lead mail search invitations
        notifications conditions
        lifecycle channels
        settings
        capture deals campaigns follow_up routing
        handover identity scoring quality history web_forms
        webhooks
        imports intake bulk workflows
    """,
    "attribution": """
        columns
        journeys
        methods
        learning
        credits
        runs campaigns accuracy sourced
    """,
    "integrations": """
        ground
        mapping runs
        push
        pull
        connections undo
        trials webhooks
        jobs notifications outgoing
    """,
    "alignment": """
        ground
        points report pipeline
    """,
}
# The subject of each file that is not in a folder of its name and does not bear its name.
SUBJECTS = {
    "leads": {
        "ground": """
            actions.price actions.insert_rows actions.take_due actions.take_jobs actions.answer_once
            actions.choose_theme queries.kept_elsewhere queries.look_up
            pure.week pure.money pure.words pure.intervals pure.refused pure.table_file pure.spelling pure.charts
            pure.conditions forms.conditions forms.fields pure.grades queries.grades
            templatetags.ui
        """,
        "figure": """
            figures.base figures.columns figures.dated_deals figures.moments figures.refunds figures.rowset
            figures.selection figures.together figures.words
            figures.offers figures.groups forms.scope forms.as_of
        """,
        "settings": "queries.in_force",
        "calendar": "pure.public_holidays",
        "routing": """
            pure.spread queries.transfers queries.reps queries.reroute queries.routing_rules queries.fairness
            forms.territories
        """,
        "bulk": "forms.bulk",
        "lead": "queries.my_day queries.next_step",
        "lifecycle": "actions.pass_stage actions.lead_changes figures.conversion",
        "handover": "pure.qualification pure.proposed_rules forms.qualification figures.feedback",
        "deals": """
            forms.opportunity queries.deals filters.lists
            figures.pipeline figures.deals figures.deal_parts figures.marketing figures.stood
            figures.deal_history
        """,
        "campaigns": "figures.spend figures.cost_causes forms.costs forms.members queries.members",
        "channels": "forms.channel_rules",
        "scoring": "queries.past_facts",
        "identity": "pure.one_person forms.merge queries.joined",
        "history": "queries.history_parts queries.history_words",
        "intake": "actions.reprice",
        "imports": "forms.import_words",
        "webhooks": "queries.answers",
    },
    "attribution": {
        "journeys": "queries.world",
        "methods": "actions.save_custom_method figures.offers pure.rules queries.rules",
        "learning": "actions.fit_methods",
        "credits": """
            actions.forget_past_credits figures.rows figures.amounts_then figures.credits figures.deals
            figures.journey_view queries.past_credits queries.lead_campaigns
        """,
        "runs": "queries.successor queries.aside queries.changes",
        "campaigns": "figures.campaign_series figures.campaign_table figures.costs figures.headlines figures.payback",
        "accuracy": "queries.agreement",
        "sourced": "actions.lock_sourced",
    },
    "integrations": {
        "ground": "figures queries.kept_deals queries.active",
        "mapping": """
            actions.fit_values actions.lead_facts actions.local_values
            pure.activity_rules pure.campaign_kinds pure.column_words pure.keys pure.merging pure.record_links
            pure.stage_proposals pure.typed_values queries.change_words
        """,
        "runs": "pure.daily pure.backoff forms.records",
        "connections": "forms.access forms.content queries.removal queries.setup",
        "webhooks": "actions.hear_webhook",
    },
    "alignment": {
        "ground": "pure.sealing pure.ledger",
        "report": """
            pure.decomposition pure.drivers pure.headline pure.recommending pure.variation pure.targets
            queries.row_changes
        """,
        "pipeline": "pure.survival figures.cohorts figures.cycle figures.stages",
    },
}
LAYERS = ("pure", "queries", "figures", "actions", "forms", "filters", "templatetags")
# A layer is cut into folders from so many files on; a folder has at least two. Plug-ins have folders at any size.
MANY, FEW = 15, 2
DOORS = ("views", "api")

Files = dict[str, str]
"""Text by dotted name of the module; a package goes by its own name."""


def files(app: str) -> Files:
    found = {}
    for path in (ROOT / app).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imported(text: str, among: Files) -> set[str]:
    """The modules of ours that a text imports; all our imports across folders are absolute."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{each.name}" for each in node.names}
            found |= names & among.keys() or {node.module} & among.keys()
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names} & among.keys()
    return found


def subject(module: str, app: str) -> str | None:
    """By the table, else by the folder, else by the file's own name; None where that is no subject."""
    inside = module.removeprefix(f"{app}.")
    for name, listed in SUBJECTS[app].items():
        if any(inside == each or inside.startswith(f"{each}.") for each in listed.split()):
            return name
    _, own, *_ = [*inside.split("."), ""]
    return own if own in ORDER[app].split() else None


def below_doors(texts: Files) -> list[str]:
    return sorted(module for module in texts if module.split(".")[1:2] and module.split(".")[1] in LAYERS)


def judged(texts: Files) -> list[str]:
    """Modules below the doors. What opens a folder or registers a layer joins all of it: it may import all of it."""
    below = below_doors(texts)
    folders = {module.rpartition(".")[0] for module in below}
    return [module for module in below if module not in folders]


def homeless(texts: Files, app: str) -> list[str]:
    return [module for module in judged(texts) if subject(module, app) is None]


def upward(texts: Files, app: str) -> list[str]:
    """Imports of a subject that is not below."""
    level = {name: place for place, line in enumerate(ORDER[app].split("\n")) for name in line.split()}
    found = []
    for module in judged(texts):
        ours = subject(module, app)
        for other in sorted(imported(texts[module], texts) & {*below_doors(texts)}):
            theirs = subject(other, app)
            if ours and theirs and ours != theirs and level[theirs] >= level[ours]:
                found.append(f"{module} ({ours}) imports {other} ({theirs})")
    return found


def opened(texts: Files, app: str) -> set[str]:
    """The modules that have addresses: those which the app's urls name."""
    urls = [text for module, text in texts.items() if module in (f"{app}.urls", f"{app}.api.urls")]
    layers = tuple(f"{app}.{layer}." for layer in DOORS)
    return {module for text in urls for module in imported(text, texts) if module.startswith(layers)}


def through_doors(texts: Files, app: str) -> list[str]:
    """Doors that import another door."""
    doors = opened(texts, app)
    return [
        f"{door} imports {other}" for door in sorted(doors) for other in sorted(imported(texts[door], texts) & doors)
    ]


@pytest.fixture(scope="module", params=ORDER)
def app(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_every_file_has_a_subject(app: str) -> None:
    assert homeless(files(app), app) == []


def test_what_the_table_names_is_there(app: str) -> None:
    named = {f"{app}.{each}" for listed in SUBJECTS[app].values() for each in listed.split()}
    assert named - files(app).keys() == set()


def test_subjects_use_only_what_is_below_them(app: str) -> None:
    texts = files(app)
    assert len(judged(texts)) > 20
    assert upward(texts, app) == []


def test_doors_import_no_other_door(app: str) -> None:
    texts = files(app)
    assert len(opened(texts, app)) > 2
    assert through_doors(texts, app) == []


def test_only_large_layers_have_folders(app: str) -> None:
    for layer in ("actions", "pure", "queries", "figures", "forms", "filters", "views", "api", "admin"):
        inside = [path for path in (ROOT / app / layer).rglob("*.py") if path.stem != "__init__"]
        sizes = Counter(path.parent.name for path in inside if path.parent.name != layer)
        assert not sizes or (len(inside) >= MANY and min(sizes.values()) >= FEW), f"{app}.{layer}: {dict(sizes)}"


PLANTED = {
    "leads.pure.routing": "from leads.actions.intake import run_intake\n",
    "leads.actions.intake": "from leads.pure.routing import choose_rep\n",
    "leads.actions.scoring.score_lead": "import leads.actions.handover.accept_lead\n",
    "leads.actions.handover.accept_lead": "",
    "leads.actions.somewhere": "",
    "leads.urls": "from leads.views import lead_list, lead_merge\n",
    "leads.views.lead_list": "from leads.views import lead_merge\nfrom leads.views.doors import may_look\n",
    "leads.views.lead_merge": "",
    "leads.views.doors": "",
}


def test_a_way_up_is_found() -> None:
    assert upward(PLANTED, "leads") == [
        "leads.actions.scoring.score_lead (scoring) imports leads.actions.handover.accept_lead (handover)",
        "leads.pure.routing (routing) imports leads.actions.intake (intake)",
    ]


def test_a_file_without_a_subject_is_found() -> None:
    assert homeless(PLANTED, "leads") == ["leads.actions.somewhere"]


def test_a_door_that_imports_a_door_is_found() -> None:
    assert through_doors(PLANTED, "leads") == ["leads.views.lead_list imports leads.views.lead_merge"]
