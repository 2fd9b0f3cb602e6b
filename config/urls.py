"""Where each address leads."""

from django.contrib import admin
from django.urls import include, path

from config import first_run, health, home, search
from config.api import urlpatterns as api_patterns

urlpatterns = [
    path("", home.home, name="home"),
    path("start", first_run.first_run, name="first-run"),
    path("search", search.search, name="search"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include(api_patterns)),
    path("account/", include("config.account_urls")),
    path("admin/", admin.site.urls),
    path("", include("leads.urls")),
    path("", include("attribution.urls")),
    path("", include("integrations.urls")),
    path("", include("alignment.urls")),
]
handler400 = "leads.views.errors.bad_request"
handler403 = "leads.views.errors.forbidden"
handler404 = "leads.views.errors.not_found"
handler500 = "leads.views.errors.server_error"
