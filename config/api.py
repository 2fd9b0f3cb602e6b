"""The /api/v1 router: the customer's endpoints, the schema and its pages."""

from csp.constants import NONE, SELF
from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import leads.api.schema  # noqa: F401  # registers the key scheme
from config.search import Search

# The docs page draws its own styles; every other page keeps the strict policy.
docs = csp_update({"style-src": [SELF, "'unsafe-inline'"], "img-src": [SELF, "data:"], "object-src": [NONE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", authentication_classes=[], permission_classes=[])
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("docs", docs, name="api-docs"),
    path("search", Search.as_view(), name="api-search"),
    path("integrations/sales/", include("integrations.api.urls")),
    path("integrations/sales/", include("attribution.api.urls")),
    path("integrations/sales/", include("alignment.api.urls")),
    path("", include("alignment.api.read_urls")),
    path("", include("leads.api.urls")),
]
