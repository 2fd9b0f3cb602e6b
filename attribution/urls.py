"""Pages of the attribution app."""

from django.urls import URLPattern, path

from attribution.views import (
    accuracy,
    agreement,
    campaign,
    campaign_attribution,
    journey,
    methods,
    run,
    runs,
    simulator,
    sourced,
)

app_name = "attribution"
urlpatterns: list[URLPattern] = [
    path("attribution", campaign_attribution.campaign_attribution, name="campaign-attribution"),
    path("attribution/campaigns/<uuid:public_id>", campaign.campaign, name="campaign"),
    path("attribution/journeys/<uuid:public_id>", journey.journey, name="journey"),
    path("attribution/journeys/<uuid:public_id>/fragment", journey.journey_fragment, name="journey-fragment"),
    path("attribution/sourced", sourced.sourced, name="sourced"),
    path("attribution/methods", methods.methods, name="methods"),
    path("attribution/methods/add", methods.method_add, name="method-add"),
    path("attribution/methods/refit", methods.methods_refit, name="methods-refit"),
    path("attribution/methods/own/<slug:slug>", methods.method_edit, name="method-edit"),
    path("attribution/accuracy", accuracy.accuracy, name="accuracy"),
    path("attribution/accuracy/measure", accuracy.accuracy_measure, name="accuracy-measure"),
    path("attribution/accuracy/progress", accuracy.accuracy_progress, name="accuracy-progress"),
    path("attribution/accuracy/simulator", simulator.simulator, name="simulator"),
    path("attribution/accuracy/simulator/<uuid:public_id>", simulator.simulation, name="simulation"),
    path(
        "attribution/accuracy/simulator/<uuid:public_id>/progress",
        simulator.simulation_progress,
        name="simulation-progress",
    ),
    path("attribution/accuracy/agreement", agreement.agreement, name="agreement"),
    path("attribution/accuracy/agreement/<uuid:public_id>", agreement.agreement_check, name="agreement-check"),
    path("attribution/runs", runs.runs, name="runs"),
    path("attribution/runs/recompute", run.runs_recompute, name="runs-recompute"),
    path("attribution/runs/<uuid:public_id>", run.run, name="run"),
    path("attribution/runs/<uuid:public_id>/progress", run.run_progress, name="run-progress"),
]
