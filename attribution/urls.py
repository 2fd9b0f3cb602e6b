"""Pages of the attribution app."""

from django.urls import URLPattern, path

from attribution.views import campaign, campaign_attribution, journey, runs, sourced

app_name = "attribution"
urlpatterns: list[URLPattern] = [
    path("attribution", campaign_attribution.campaign_attribution, name="campaign-attribution"),
    path("attribution/campaigns/<uuid:public_id>", campaign.campaign, name="campaign"),
    path("attribution/journeys/<uuid:public_id>", journey.journey, name="journey"),
    path("attribution/journeys/<uuid:public_id>/fragment", journey.journey_fragment, name="journey-fragment"),
    path("attribution/sourced", sourced.sourced, name="sourced"),
    path("attribution/runs", runs.runs, name="runs"),
]
