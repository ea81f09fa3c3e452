from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.not_allowed"
handler404 = "dashboard.errors.not_found"
handler500 = "dashboard.errors.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="run-list"), name="home"),
    path("", include("dashboard.teams.urls")),
    path("", include("dashboard.servers.urls")),
    path("", include("dashboard.assistants.urls")),
    path("", include("dashboard.history.urls")),
    path("", include("dashboard.compare.urls")),
    path("", include("dashboard.runs.urls")),
    path("", include("dashboard.costs.urls")),
    path("", include("dashboard.launch.urls")),
    path("", include("dashboard.answers.urls")),
    path("", include("dashboard.sharing.urls")),
    path("", include("dashboard.steps.urls")),
    path("", include("dashboard.retention.urls")),
    path("", include("dashboard.handover.urls")),
    path("", include("dashboard.monitoring.urls")),
]
