"""Pages of the leads app."""

from django.urls import URLPattern, path

from leads.views import figure, opportunity

app_name = "leads"
urlpatterns: list[URLPattern] = [
    path("figures", figure.figure_list, name="figures"),
    path("figures/<str:key>", figure.figure_page, name="figure"),
    path("opportunities/<uuid:public_id>", opportunity.opportunity_detail, name="opportunity-detail"),
]
