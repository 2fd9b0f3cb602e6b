"""After sign-in everybody lands on the page they came for."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect

from config.first_run import is_set_up
from leads.models import Role
from leads.views.doors import SignedInRequest
from leads.views.past import asked_as_of

HOME_BY_ROLE: dict[str, str] = {
    Role.MARKETING_DIRECTOR: "alignment:weekly-report-latest",
    Role.SALES_LEADER: "alignment:pipeline",
    Role.SALES_REP: "leads:my-day",
    Role.ADMIN: "integrations:connections",
}


@login_required
@asked_as_of
def home(request: SignedInRequest) -> HttpResponse:
    """Redirect to the role's page; an admin of a new installation to the checklist."""
    if request.user.role == Role.ADMIN and not is_set_up():
        return redirect("first-run")
    return redirect(HOME_BY_ROLE[request.user.role])
