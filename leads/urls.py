"""Pages of the leads app."""

from django.urls import URLPattern, path

from leads.views import (
    campaign_costs,
    channel_rules,
    figure,
    history,
    imports,
    lead_detail,
    lead_list,
    lead_merge,
    notifications,
    opportunity,
    theme,
)

app_name = "leads"
urlpatterns: list[URLPattern] = [
    path("leads", lead_list.lead_list, name="lead-list"),
    path("leads/<uuid:public_id>", lead_detail.lead_detail, name="lead-detail"),
    path("leads/<uuid:public_id>/accept", lead_detail.lead_accept, name="lead-accept"),
    path("leads/<uuid:public_id>/reject", lead_detail.lead_reject, name="lead-reject"),
    path("leads/<uuid:public_id>/follow-ups", lead_detail.follow_up_promise, name="follow-up-promise"),
    path(
        "leads/<uuid:public_id>/follow-ups/<int:follow_up_id>",
        lead_detail.follow_up_complete,
        name="follow-up-complete",
    ),
    path("leads/<uuid:public_id>/merge", lead_merge.lead_merge, name="lead-merge"),
    path("leads/<uuid:public_id>/merge/<uuid:other_id>", lead_merge.lead_merge_with, name="lead-merge-with"),
    path("leads/<uuid:public_id>/unmerge", lead_merge.lead_unmerge, name="lead-unmerge"),
    path("theme", theme.theme, name="theme"),
    path("figures", figure.figure_list, name="figures"),
    path("figures/<str:key>", figure.figure_page, name="figure"),
    path("opportunities/<uuid:public_id>", opportunity.opportunity_detail, name="opportunity-detail"),
    path("history/<str:kind>/<uuid:public_id>", history.history, name="history"),
    path("campaigns/<uuid:public_id>/costs", campaign_costs.campaign_costs, name="campaign-costs"),
    path("campaigns/<uuid:public_id>/costs/forget", campaign_costs.campaign_costs_forget, name="campaign-costs-forget"),
    path("channels/rules", channel_rules.channel_rules, name="channel-rules"),
    path("channels/rules/add", channel_rules.channel_rule_add, name="channel-rule-add"),
    path("channels/rules/apply", channel_rules.channel_rules_apply, name="channel-rules-apply"),
    path("channels/rules/progress", channel_rules.channel_rules_progress, name="channel-rules-progress"),
    path(
        "channels/rules/versions/<int:number>/take-back",
        channel_rules.channel_rules_take_back,
        name="channel-rules-take-back",
    ),
    path("channels/rules/<int:position>", channel_rules.channel_rule, name="channel-rule"),
    path("channels/rules/<int:position>/move", channel_rules.channel_rule_move, name="channel-rule-move"),
    path("notifications", notifications.notifications, name="notifications"),
    path("notifications/count", notifications.notification_count, name="notification-count"),
    path("notifications/read", notifications.notifications_read, name="notifications-read"),
    path("notifications/preferences", notifications.notification_preferences, name="notification-preferences"),
    path("notifications/<uuid:public_id>/open", notifications.notification_open, name="notification-open"),
    path("unsubscribe/<str:token>", notifications.unsubscribe_link, name="unsubscribe"),
    path("imports", imports.imports, name="imports"),
    path("imports/<uuid:public_id>", imports.import_detail, name="import-detail"),
    path("imports/<uuid:public_id>/columns", imports.import_columns, name="import-columns"),
    path("imports/<uuid:public_id>/start", imports.import_start, name="import-start"),
    path("imports/<uuid:public_id>/progress", imports.import_progress, name="import-progress"),
    path("imports/<uuid:public_id>/rejected.csv", imports.import_rejected, name="import-rejected"),
]
