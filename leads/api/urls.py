"""API addresses of the leads app, below those of config.api."""

from django.urls import URLPattern, path

from leads.api.cost_reports import CostReports
from leads.api.costs import CampaignCostHistory, CampaignCosts
from leads.api.history import History
from leads.api.leads import LeadDetail, LeadList
from leads.api.opportunities import OpportunityDetail, OpportunityList
from leads.api.submissions import SubmissionDetail

urlpatterns: list[URLPattern] = [
    path("leads", LeadList.as_view(), name="api-leads"),
    path("leads/<uuid:lead_id>", LeadDetail.as_view(), name="api-lead"),
    path("opportunities", OpportunityList.as_view(), name="api-opportunities"),
    path("opportunities/<uuid:opportunity_id>", OpportunityDetail.as_view(), name="api-opportunity"),
    path("submissions/<uuid:submission_id>", SubmissionDetail.as_view(), name="api-submission"),
    path("history/<str:kind>/<uuid:record_id>", History.as_view(), name="api-history"),
    path("costs/reports", CostReports.as_view(), name="api-cost-reports"),
    path("campaigns/<uuid:campaign_id>/costs", CampaignCosts.as_view(), name="api-campaign-costs"),
    path("campaigns/<uuid:campaign_id>/costs/history", CampaignCostHistory.as_view(), name="api-campaign-cost-history"),
]
