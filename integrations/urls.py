"""Pages of the integrations app."""

from django.urls import URLPattern, path

from integrations.api.webhooks import CrmWebhook
from integrations.views import connections, edits, lead_crm, runs

app_name = "integrations"
urlpatterns: list[URLPattern] = [
    path("leads/<uuid:public_id>/crm", lead_crm.lead_crm, name="lead-crm"),
    path("connections", connections.connections, name="connections"),
    path("connections/add", connections.connection_add, name="connection-add"),
    path("connections/try", connections.connection_try, name="connection-try"),
    path("connections/<slug:slug>", connections.connection_detail, name="connection-detail"),
    path("connections/<slug:slug>/sync", edits.connection_sync, name="connection-sync"),
    path("connections/<slug:slug>/sync/<uuid:job_id>", edits.connection_sync_state, name="connection-sync-state"),
    path("connections/<slug:slug>/check", edits.connection_check, name="connection-check"),
    path("connections/<slug:slug>/requeue", edits.connection_requeue, name="connection-requeue"),
    path("connections/<slug:slug>/stages", edits.connection_stages, name="connection-stages"),
    path("connections/<slug:slug>/secret", edits.connection_secret, name="connection-secret"),
    path("webhooks/crm/<str:key>", CrmWebhook.as_view(), name="crm-webhook"),
    path("connections/<slug:slug>/runs/<uuid:run_id>", runs.sync_run, name="sync-run"),
]
