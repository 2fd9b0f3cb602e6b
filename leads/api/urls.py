"""API addresses of the leads app, below those of config.api."""

from django.urls import URLPattern, path

from leads.api.cost_reports import CostReports
from leads.api.costs import CampaignCostHistory, CampaignCosts
from leads.api.figures import FigureDetail, FigureList, FigureRows
from leads.api.history import History
from leads.api.leads import LeadDetail, LeadList
from leads.api.lists import (
    AccountDetail,
    AccountList,
    CampaignDetail,
    CampaignList,
    OwnerList,
    TerritoryList,
    TouchpointList,
)
from leads.api.opportunities import OpportunityDetail, OpportunityList
from leads.api.submissions import SubmissionDetail

urlpatterns: list[URLPattern] = [
    path("leads", LeadList.as_view(), name="api-leads"),
    path("leads/<uuid:lead_id>", LeadDetail.as_view(), name="api-lead"),
    path("opportunities", OpportunityList.as_view(), name="api-opportunities"),
    path("opportunities/<uuid:opportunity_id>", OpportunityDetail.as_view(), name="api-opportunity"),
    path("accounts", AccountList.as_view(), name="api-accounts"),
    path("accounts/<uuid:account_id>", AccountDetail.as_view(), name="api-account"),
    path("campaigns", CampaignList.as_view(), name="api-campaigns"),
    path("campaigns/<uuid:campaign_id>", CampaignDetail.as_view(), name="api-campaign"),
    path("touchpoints", TouchpointList.as_view(), name="api-touchpoints"),
    path("territories", TerritoryList.as_view(), name="api-territories"),
    path("owners", OwnerList.as_view(), name="api-owners"),
    path("figures", FigureList.as_view(), name="api-figures"),
    path("figures/<str:key>", FigureDetail.as_view(), name="api-figure"),
    path("figures/<str:key>/rows", FigureRows.as_view(), name="api-figure-rows"),
    path("submissions/<uuid:submission_id>", SubmissionDetail.as_view(), name="api-submission"),
    path("history/<str:kind>/<uuid:record_id>", History.as_view(), name="api-history"),
    path("costs/reports", CostReports.as_view(), name="api-cost-reports"),
    path("campaigns/<uuid:campaign_id>/costs", CampaignCosts.as_view(), name="api-campaign-costs"),
    path("campaigns/<uuid:campaign_id>/costs/history", CampaignCostHistory.as_view(), name="api-campaign-cost-history"),
]
