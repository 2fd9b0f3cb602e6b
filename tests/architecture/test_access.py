"""Who may open what: every address × role. An address that is not listed fails, so nobody forgets to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.architecture.conftest import ROLES, World

Args = Callable[[World], list[Any]]

ALL, NO_REPS, ADMINS = "DLRA", "DLA", "A"
"""Roles by letter: marketing Director, sales Leader, sales Rep, Admin."""
LETTERS = dict(zip(ROLES, "DLRA", strict=True))
CLOSED = {403, 404}


def none(world: World) -> list[Any]:
    return []


def first_rule(world: World) -> list[Any]:
    return [world.scoring_draft.version, world.scoring_draft.rules.earliest("pk").pk]


def draft_workflow(world: World) -> list[Any]:
    return [world.workflow_draft.workflow.public_id, world.workflow_draft.number]


# Pages people open: who gets 200; everybody else gets 403 or 404, strangers are sent to the sign-in.
PAGES: dict[str, tuple[str, Args]] = {
    "search": (ALL, none),
    "first-run": (ADMINS, none),
    "leads:company-settings": (ADMINS, none),
    "leads:people": (ADMINS, none),
    "alignment:report-settings": (ADMINS, none),
    "leads:lead-list": (ALL, none),
    "leads:lead-detail": (NO_REPS, lambda world: [world.other_lead.public_id]),
    "leads:history": (NO_REPS, lambda world: ["lead", world.other_lead.public_id]),
    "leads:lead-add": (ALL, none),
    "leads:duplicates": ("LRA", none),
    "leads:opportunity-list": (ALL, none),
    "leads:account-list": (ALL, none),
    "leads:campaign-list": (NO_REPS, none),
    "leads:touchpoint-list": (NO_REPS, none),
    "leads:lead-identity": (NO_REPS, lambda world: [world.other_lead.public_id]),
    "leads:lead-edit": (NO_REPS, lambda world: [world.other_lead.public_id]),
    "leads:lead-qualify": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:qualification-settings": (ADMINS, none),
    "leads:opportunity-add": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:opportunity-edit": ("LA", lambda world: [world.other_deal.public_id]),
    "leads:bulk-run": ("LA", lambda world: [world.bulk.public_id]),
    "leads:feedback": (NO_REPS, none),
    "leads:my-day": (ALL, none),
    "leads:my-day-next": (ALL, none),
    "leads:lead-merge": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-merge-with": ("LA", lambda world: [world.other_lead.public_id, world.own_lead.public_id]),
    "leads:territories": ("LA", none),
    "leads:territory-version": ("LA", lambda world: [world.draft.number]),
    "leads:territory-rule-add": ("LA", lambda world: [world.draft.number]),
    "leads:territory-rule": ("LA", lambda world: [world.draft.number, world.draft.rules.first().pk]),
    "leads:routing-test": ("LA", none),
    "leads:routing-simulation": ("LA", lambda world: [world.draft.simulations.first().public_id]),
    "leads:routing-fairness": ("LA", none),
    "leads:reps": ("LA", none),
    "leads:rep-schedule": ("LA", lambda world: [world.people["sales_rep"].public_id]),
    "leads:stranded": ("LA", none),
    "leads:transfers": ("LA", none),
    "leads:transfer": ("LA", lambda world: [world.transfer.public_id]),
    "leads:person-deactivate": (ADMINS, lambda world: [world.people["sales_rep"].public_id]),
    "leads:figures": (ALL, none),
    "leads:figure": (ALL, lambda world: ["pipeline.open"]),
    "leads:opportunity-detail": (NO_REPS, lambda world: [world.other_deal.public_id]),
    "leads:imports": ("DA", none),
    "leads:web-forms": ("DA", none),
    "leads:web-form": ("DA", lambda world: [world.web_form.public_id]),
    "leads:web-form-add": (ADMINS, none),
    "leads:web-form-edit": (ADMINS, lambda world: [world.web_form.public_id]),
    "leads:web-form-preview": ("DA", lambda world: [world.web_form.public_id]),
    "leads:tracked-sites": ("DA", none),
    "leads:tracked-site-add": (ADMINS, none),
    "leads:tracked-site": (ADMINS, lambda world: [world.tracked_site.public_id]),
    "leads:workflows": (ALL, none),
    "leads:workflow-add": (ADMINS, none),
    "leads:workflow-mails": (ALL, none),
    "leads:workflow": (ALL, lambda world: [world.workflow.public_id]),
    "leads:workflow-log": (ALL, lambda world: [world.workflow.public_id]),
    "leads:workflow-arms": (ALL, lambda world: [world.workflow.public_id]),
    "leads:enrollment": (NO_REPS, lambda world: [world.enrollment.public_id]),
    "leads:workflow-version": (ALL, draft_workflow),
    "leads:workflow-test": (ALL, draft_workflow),
    "leads:workflow-definition": (ADMINS, draft_workflow),
    "leads:workflow-step-add": (ADMINS, draft_workflow),
    "leads:workflow-step": (ADMINS, lambda world: [*draft_workflow(world), world.workflow_draft.steps.first().pk]),
    "leads:scoring": (NO_REPS, none),
    "leads:scoring-grid": (NO_REPS, none),
    "leads:scoring-version": (NO_REPS, lambda world: [world.scoring_draft.version]),
    "leads:scoring-limits": (ADMINS, lambda world: [world.scoring_draft.version]),
    "leads:scoring-rule-add": (ADMINS, lambda world: [world.scoring_draft.version, "behavior"]),
    "leads:scoring-rule": (
        ADMINS,
        first_rule,
    ),
    "leads:scoring-back-test": (NO_REPS, lambda world: [world.scoring_draft.version]),
    "leads:notifications": (ALL, none),
    "leads:notification-preferences": (ALL, none),
    "leads:campaign-members": (ALL, lambda world: [world.campaign.public_id]),
    "leads:campaign-costs": (NO_REPS, lambda world: [world.campaign.public_id]),
    "leads:channel-rules": ("DA", none),
    "leads:channel-rule-add": (ADMINS, none),
    "leads:channel-rule": (ADMINS, lambda world: [1]),
    "leads:channel-rules-take-back": (ADMINS, lambda world: [world.rules.number]),
    "attribution:campaign-attribution": (NO_REPS, none),
    "attribution:sourced": (NO_REPS, none),
    "attribution:campaign": (NO_REPS, lambda world: [world.campaign.public_id]),
    "attribution:journey": (NO_REPS, lambda world: [world.other_deal.public_id]),
    "attribution:journey-fragment": (NO_REPS, lambda world: [world.other_deal.public_id]),
    "attribution:runs": (NO_REPS, none),
    "attribution:run": (NO_REPS, lambda world: [world.run.public_id]),
    "attribution:methods": (NO_REPS, none),
    "attribution:method-add": (ADMINS, none),
    "attribution:method-edit": (ADMINS, lambda world: ["open-and-close"]),
    "attribution:accuracy": (NO_REPS, none),
    "attribution:simulator": (NO_REPS, none),
    "attribution:agreement": (ALL, none),
    "attribution:agreement-check": ("LA", lambda world: [world.other_deal.public_id]),
    "integrations:lead-crm": (NO_REPS, lambda world: [world.other_lead.public_id]),
    "integrations:connections": ("LA", none),
    "integrations:chat-destinations": (ADMINS, none),
    "integrations:chat-destination-add": (ADMINS, none),
    "integrations:webhook-endpoints": (ADMINS, none),
    "integrations:webhook-endpoint-add": (ADMINS, none),
    "integrations:webhook-endpoint": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-endpoint-edit": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-delivery": (ADMINS, lambda world: [world.webhook.public_id]),
    "integrations:connection-add": (ADMINS, none),
    "integrations:connection-detail": ("LA", lambda world: [world.connection.slug]),
    "integrations:connection-access": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-test": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-fields": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-stages": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-owners": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-consent": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-content": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-delete": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-dry-run": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:sync-run": ("LA", lambda world: [world.connection.slug, world.sync_run.public_id]),
    "integrations:sync-run-undo": (ADMINS, lambda world: [world.connection.slug, world.sync_run.public_id]),
    "alignment:pipeline": (ALL, none),
    "alignment:weekly-report-latest": (NO_REPS, none),
    "alignment:weekly-report-list": (NO_REPS, none),
    "alignment:weekly-report": (NO_REPS, lambda world: [world.report.week]),
    "alignment:report-restatements": (NO_REPS, lambda world: [world.report.week]),
    "alignment:report-figure": (NO_REPS, lambda world: [world.report.week, "pipeline.won"]),
    "alignment:recommendations": (ALL, none),
    "alignment:integration-points": (ALL, none),
    "alignment:integration-point": (ALL, lambda world: ["1.1.1"]),
    "alignment:integration-point-certificate": (ALL, lambda world: ["1.1.1"]),
}
# The same pages for what a rep owns.
OWN: dict[str, Args] = {
    "leads:lead-detail": lambda world: [world.own_lead.public_id],
    "leads:history": lambda world: ["lead", world.own_lead.public_id],
    "leads:lead-edit": lambda world: [world.own_lead.public_id],
    "leads:lead-merge": lambda world: [world.own_lead.public_id],
    "leads:opportunity-detail": lambda world: [world.own_deal.public_id],
    "attribution:journey": lambda world: [world.own_deal.public_id],
    "attribution:agreement-check": lambda world: [world.own_deal.public_id],
    "integrations:lead-crm": lambda world: [world.own_lead.public_id],
}
# Doors that change something: who is let in (whatever the empty form then says); others get 403 or 404.
CHANGES: dict[str, tuple[str, Args]] = {
    "leads:campaign-costs-forget": ("DA", lambda world: [world.campaign.public_id]),
    "attribution:accuracy-measure": ("DA", none),
    "attribution:methods-refit": (ADMINS, none),
    "attribution:runs-recompute": (ADMINS, none),
    "leads:notifications-read": (ALL, none),
    "leads:duplicate-decide": ("LA", lambda world: [world.duplicate.public_id]),
    "leads:duplicate-undo": ("LRA", lambda world: [world.duplicate.public_id]),
    "integrations:webhook-endpoint-test": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-endpoint-rotate": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-endpoint-switch": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-endpoint-replay": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-endpoint-remove": (ADMINS, lambda world: [world.webhook.endpoint.public_id]),
    "integrations:webhook-delivery-replay": (ADMINS, lambda world: [world.webhook.public_id]),
    "leads:web-form-switch": (ADMINS, lambda world: [world.web_form.public_id]),
    "leads:submission-release": ("DA", lambda world: [world.submission.public_id]),
    "leads:channel-rule-move": (ADMINS, lambda world: [1]),
    "leads:channel-rules-apply": (ADMINS, none),
    "leads:workflow-switch": (ADMINS, lambda world: [world.workflow.public_id]),
    "leads:workflow-copy": (ADMINS, draft_workflow),
    "leads:workflow-activate": (ADMINS, draft_workflow),
    "leads:workflow-roll-back": (ADMINS, draft_workflow),
    "leads:workflow-cancel": (ADMINS, draft_workflow),
    "leads:workflow-discard": (ADMINS, draft_workflow),
    "leads:workflow-step-move": (
        ADMINS,
        lambda world: [*draft_workflow(world), world.workflow_draft.steps.first().pk],
    ),
    "leads:workflow-step-remove": (
        ADMINS,
        lambda world: [*draft_workflow(world), world.workflow_draft.steps.first().pk],
    ),
    "leads:workflow-mail-settle": (ADMINS, lambda world: [world.unclear_mail.public_id]),
    "leads:enrollment-end": (ADMINS, lambda world: [world.enrollment.public_id]),
    "leads:scoring-retry": (ADMINS, none),
    "leads:scoring-copy": (ADMINS, lambda world: [1]),
    "leads:scoring-activate": (ADMINS, lambda world: [world.scoring_draft.version]),
    "leads:scoring-cancel": (ADMINS, lambda world: [world.scoring_draft.version]),
    "leads:scoring-roll-back": (ADMINS, lambda world: [1]),
    "leads:scoring-discard": (ADMINS, lambda world: [world.scoring_draft.version]),
    "leads:scoring-rule-remove": (
        ADMINS,
        first_rule,
    ),
    "leads:scoring-rule-move": (
        ADMINS,
        first_rule,
    ),
    "leads:scoring-rule-switch": (
        ADMINS,
        first_rule,
    ),
    "leads:scoring-back-test-start": (ADMINS, lambda world: [world.scoring_draft.version]),
    "leads:theme": (ALL, none),
    "leads:territory-rule-move": ("LA", lambda world: [world.draft.number, world.draft.rules.first().pk]),
    "leads:territory-version-copy": ("LA", lambda world: [world.draft.number]),
    "leads:territory-version-activate": ("LA", lambda world: [world.draft.number]),
    "leads:territory-version-cancel": ("LA", lambda world: [world.draft.number]),
    "leads:territory-version-roll-back": ("LA", lambda world: [world.draft.number]),
    "leads:territory-version-remove": ("LA", lambda world: [world.draft.number]),
    "leads:routing-simulate": ("LA", lambda world: [world.draft.number]),
    "leads:rep-absence-add": ("LA", lambda world: [world.people["sales_rep"].public_id]),
    "leads:rep-absence-remove": ("LA", lambda world: [world.people["sales_rep"].public_id, 1]),
    "leads:transfer-undo": ("LA", lambda world: [world.transfer.public_id]),
    "leads:lead-accept": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-reject": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-log": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:bulk": (ALL, none),
    "leads:bulk-rows": ("LA", lambda world: ["accounts"]),
    "leads:proposal-dismiss": ("DA", none),
    "leads:proposal-restore": ("DA", lambda world: [world.proposal.public_id]),
    "leads:bulk-undo": ("LA", lambda world: [world.bulk.public_id]),
    "leads:view-save": (ALL, lambda world: ["leads"]),
    "leads:view-remove": ("L", lambda world: [world.view.public_id]),
    "leads:lead-disqualify": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-recycle": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-reassign": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:lead-unmerge": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:follow-up-promise": ("LA", lambda world: [world.other_lead.public_id]),
    "leads:follow-up-complete": ("LA", lambda world: [world.other_lead.public_id, 1]),
    "integrations:connection-sync": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-check": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-requeue": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-choose": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-switch": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-compare": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-release": (ADMINS, lambda world: [world.connection.slug]),
    "integrations:connection-webhook": (ADMINS, lambda world: [world.connection.slug]),
    "alignment:report-publish": (NO_REPS, none),
    "alignment:recommendation-decide": (NO_REPS, lambda world: [world.recommendation.public_id]),
    "alignment:integration-point-plan": ("LA", lambda world: ["1.1.1"]),
    "alignment:criterion-evidence": (NO_REPS, lambda world: ["1.1.1", 1]),
    "alignment:criterion-sign-off": ("LA", lambda world: ["1.1.1", 1]),
    "alignment:criterion-withdraw": ("LA", lambda world: ["1.1.1", 1]),
    "alignment:criterion-set-aside": ("LA", lambda world: ["1.1.1", 1]),
    "alignment:criterion-plan": ("LA", lambda world: ["1.1.1", 1]),
}
# Decided elsewhere: machine doors (scopes, tests/*/api), sign-in pages, health, files of pages above.
ELSEWHERE = {
    "home", "livez", "readyz", "schema", "api-docs",
    "api-capture-leads", "api-attribution-list", "api-opportunity-attribution", "api-attribution", "performance",
    "api-report-restatements",
    "api-opportunities", "api-opportunity", "api-accounts", "api-account", "api-campaigns", "api-campaign",
    "api-touchpoints", "api-territories", "api-owners", "api-figures", "api-figure", "api-figure-rows",
    "api-reports", "api-report", "api-recommendations", "api-integration-points",
    "api-leads", "api-lead", "integrations:crm-webhook", "api-campaign-costs", "api-campaign-cost-history",
    "leads:mail-events", "leads:mail-replies", "api-cost-reports",
    # Open to everybody, and to write alone: tests/leads/api/test_web_forms.py.
    "leads:public-form", "leads:public-form-thanks", "leads:form-embed", "leads:form-send", "leads:form-shown",
    "leads:sign-up-confirm", "leads:site-script", "leads:page-view",
    "api-submission", "api-history", "api-search", "leads:unsubscribe", "leads:invitation-accept",
    "leads:mail-opt-out",
    "account_login", "account_logout", "account_inactive", "account_signup", "account_change_password",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_reauthenticate",
}  # fmt: skip
# Below an address that is listed, behind the same gate, and tested with it in its own app.
BELOW: set[str] = {
    "integrations:connection-job",
    "integrations:consent-given",
    "alignment:report-pdf",
    "leads:transfer-new",
    "leads:transfer-progress",
    "leads:routing-simulation-progress",
    "leads:bulk-progress",
    "leads:lead-give-back",
    "leads:web-form-attendance",
    "leads:import-detail",
    "leads:import-columns",
    "leads:import-start",
    "leads:import-progress",
    "leads:import-rejected",
    "leads:channel-rules-progress",
    "leads:scoring-progress",
    "leads:scoring-back-test-progress",
    "leads:notification-count",
    "leads:notification-open",
    "leads:invitation-again",
    "leads:invitation-take-back",
    "integrations:chat-destination",
    "integrations:chat-destination-test",
    "integrations:chat-destination-remove",
    "attribution:accuracy-progress",
    "attribution:simulation",
    "attribution:simulation-progress",
    "attribution:run-progress",
}


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from addresses(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name}"


def test_every_address_is_decided() -> None:
    listed = PAGES.keys() | CHANGES.keys() | ELSEWHERE | BELOW
    assert set(addresses(get_resolver())) == listed


def sign_in(world: World, role: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people[role])
    return client


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_open_for_those_they_are_for(world: World, name: str, role: str) -> None:
    allowed, args = PAGES[name]
    status = sign_in(world, role).get(reverse(name, args=args(world)), follow=True).status_code
    assert status == 200 if LETTERS[role] in allowed else status in CLOSED


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(OWN))
def test_reps_open_what_they_own(world: World, name: str) -> None:
    assert sign_in(world, "sales_rep").get(reverse(name, args=OWN[name](world))).status_code == 200


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_are_open_to_those_who_may(world: World, name: str, role: str) -> None:
    allowed, args = CHANGES[name]
    client = sign_in(world, role)
    url = reverse(name, args=args(world))
    status = client.post(url).status_code
    if LETTERS[role] in allowed:
        assert status in {200, 302, 400, 404, 409, 422}
        assert status != 404 or name == "leads:follow-up-complete"
    else:
        assert status in CLOSED
    assert client.get(url).status_code in {405, *CLOSED}


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PAGES | CHANGES))
def test_strangers_are_sent_to_the_sign_in(world: World, name: str) -> None:
    args = (PAGES.get(name) or CHANGES[name])[1]
    url = reverse(name, args=args(world))
    for answer in (Client().get(url), Client().post(url)):
        assert answer.status_code in {302, 405}
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/account/login/")
