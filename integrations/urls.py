"""Pages of the integrations app."""

from django.urls import URLPattern, path

from integrations.api.webhooks import CrmWebhook
from integrations.views import (
    connections,
    consent,
    content,
    edits,
    lead_crm,
    mapping,
    notifications,
    runs,
    setup,
    trials,
    undo,
    webhooks,
)

app_name = "integrations"
urlpatterns: list[URLPattern] = [
    path("leads/<uuid:public_id>/crm", lead_crm.lead_crm, name="lead-crm"),
    path("connections", connections.connections, name="connections"),
    path("connections/add", setup.connection_add, name="connection-add"),
    path("connections/oauth", consent.consent_given, name="consent-given"),
    path("connections/<slug:slug>", connections.connection_detail, name="connection-detail"),
    path("connections/<slug:slug>/check", connections.connection_check, name="connection-check"),
    path("connections/<slug:slug>/access", setup.connection_access, name="connection-access"),
    path("connections/<slug:slug>/connect", consent.connection_consent, name="connection-consent"),
    path("connections/<slug:slug>/test", setup.connection_test, name="connection-test"),
    path("connections/<slug:slug>/fields", mapping.connection_fields, name="connection-fields"),
    path("connections/<slug:slug>/stages", mapping.connection_stages, name="connection-stages"),
    path("connections/<slug:slug>/owners", mapping.connection_owners, name="connection-owners"),
    path("connections/<slug:slug>/content", content.connection_content, name="connection-content"),
    path("connections/<slug:slug>/delete", edits.connection_delete, name="connection-delete"),
    path("connections/<slug:slug>/dry-run", trials.connection_dry_run, name="connection-dry-run"),
    path("connections/<slug:slug>/switch", setup.connection_switch, name="connection-switch"),
    path("connections/<slug:slug>/sync", edits.connection_sync, name="connection-sync"),
    path("connections/<slug:slug>/compare", trials.connection_compare, name="connection-compare"),
    path("connections/<slug:slug>/jobs/<uuid:job_id>", trials.connection_job, name="connection-job"),
    path("connections/<slug:slug>/requeue", edits.connection_requeue, name="connection-requeue"),
    path("connections/<slug:slug>/choose", edits.connection_choose, name="connection-choose"),
    path("connections/<slug:slug>/release", edits.connection_release, name="connection-release"),
    path("connections/<slug:slug>/webhook", edits.connection_webhook, name="connection-webhook"),
    path("connections/<slug:slug>/runs/<uuid:run_id>", runs.sync_run, name="sync-run"),
    path("connections/<slug:slug>/runs/<uuid:run_id>/undo", undo.sync_run_undo, name="sync-run-undo"),
    path("settings/chat", notifications.chat_destinations, name="chat-destinations"),
    path("settings/chat/add", notifications.chat_destination_add, name="chat-destination-add"),
    path("settings/chat/<uuid:public_id>", notifications.chat_destination, name="chat-destination"),
    path("settings/chat/<uuid:public_id>/test", notifications.chat_destination_test, name="chat-destination-test"),
    path(
        "settings/chat/<uuid:public_id>/remove", notifications.chat_destination_remove, name="chat-destination-remove"
    ),
    path("settings/webhooks", webhooks.webhook_endpoints, name="webhook-endpoints"),
    path("settings/webhooks/add", webhooks.webhook_endpoint_add, name="webhook-endpoint-add"),
    path("settings/webhooks/<uuid:public_id>", webhooks.webhook_endpoint, name="webhook-endpoint"),
    path("settings/webhooks/<uuid:public_id>/edit", webhooks.webhook_endpoint_edit, name="webhook-endpoint-edit"),
    path("settings/webhooks/<uuid:public_id>/test", webhooks.webhook_endpoint_test, name="webhook-endpoint-test"),
    path("settings/webhooks/<uuid:public_id>/rotate", webhooks.webhook_endpoint_rotate, name="webhook-endpoint-rotate"),
    path("settings/webhooks/<uuid:public_id>/switch", webhooks.webhook_endpoint_switch, name="webhook-endpoint-switch"),
    path("settings/webhooks/<uuid:public_id>/replay", webhooks.webhook_endpoint_replay, name="webhook-endpoint-replay"),
    path("settings/webhooks/<uuid:public_id>/remove", webhooks.webhook_endpoint_remove, name="webhook-endpoint-remove"),
    path("settings/webhooks/deliveries/<uuid:public_id>", webhooks.webhook_delivery, name="webhook-delivery"),
    path(
        "settings/webhooks/deliveries/<uuid:public_id>/replay",
        webhooks.webhook_delivery_replay,
        name="webhook-delivery-replay",
    ),
    path("webhooks/crm/<slug:key>", CrmWebhook.as_view(), name="crm-webhook"),
]
