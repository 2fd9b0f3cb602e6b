"""API addresses of the attribution app, below those of config.api."""

from django.urls import URLPattern, path

from attribution.api.attribution import CampaignAttribution, CampaignAttributionList, OpportunityAttribution

urlpatterns: list[URLPattern] = [
    path("attribution", CampaignAttributionList.as_view(), name="api-attribution-list"),
    path(
        "attribution/opportunities/<uuid:opportunity_id>",
        OpportunityAttribution.as_view(),
        name="api-opportunity-attribution",
    ),
    path("attribution/<uuid:campaign_id>", CampaignAttribution.as_view(), name="api-attribution"),
]
