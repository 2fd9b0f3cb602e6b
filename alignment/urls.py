"""Pages of the alignment app."""

from django.urls import URLPattern, path

from alignment.views import (
    integration_points,
    pipeline,
    recommendations,
    report_figure,
    report_settings,
    restatements,
    weekly_report,
)

app_name = "alignment"
urlpatterns: list[URLPattern] = [
    path("pipeline", pipeline.pipeline, name="pipeline"),
    path("reports", weekly_report.weekly_report_latest, name="weekly-report-latest"),
    path("reports/all", weekly_report.weekly_report_list, name="weekly-report-list"),
    path("reports/publish", weekly_report.report_publish, name="report-publish"),
    path("reports/<str:week>", weekly_report.weekly_report, name="weekly-report"),
    path("reports/<str:week>/report.pdf", weekly_report.report_pdf, name="report-pdf"),
    path("reports/<str:week>/restatements", restatements.report_restatements, name="report-restatements"),
    path("reports/<str:week>/figures/<str:key>", report_figure.report_figure, name="report-figure"),
    path("recommendations", recommendations.recommendations, name="recommendations"),
    path(
        "recommendations/<uuid:public_id>/decide", recommendations.recommendation_decide, name="recommendation-decide"
    ),
    path("settings/report", report_settings.report_settings, name="report-settings"),
    path("integration-points", integration_points.integration_points, name="integration-points"),
    path("integration-points/<str:code>", integration_points.integration_point, name="integration-point"),
    path(
        "integration-points/<str:code>/certificate",
        integration_points.integration_point_certificate,
        name="integration-point-certificate",
    ),
    path(
        "integration-points/<str:code>/plan", integration_points.integration_point_plan, name="integration-point-plan"
    ),
    path(
        "integration-points/<str:code>/criteria/<int:position>/evidence",
        integration_points.criterion_evidence,
        name="criterion-evidence",
    ),
    path(
        "integration-points/<str:code>/criteria/<int:position>/sign-off",
        integration_points.criterion_sign_off,
        name="criterion-sign-off",
    ),
    path(
        "integration-points/<str:code>/criteria/<int:position>/withdraw",
        integration_points.criterion_withdraw,
        name="criterion-withdraw",
    ),
    path(
        "integration-points/<str:code>/criteria/<int:position>/set-aside",
        integration_points.criterion_set_aside,
        name="criterion-set-aside",
    ),
    path(
        "integration-points/<str:code>/criteria/<int:position>/plan",
        integration_points.criterion_plan,
        name="criterion-plan",
    ),
]
