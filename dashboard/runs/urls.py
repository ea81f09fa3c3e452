from django.urls import path

from dashboard.runs import views
from dashboard.runs.state import views as state_views

urlpatterns = [
    path("threads/<uuid:server_id>/<str:thread_id>/", state_views.thread_detail, name="thread"),
    path("runs/", views.run_list, name="run-list"),
    path("runs/<uuid:run_id>/", views.run_detail, name="run-detail"),
    path("runs/<uuid:run_id>.json", views.run_json, name="run-json"),
    path("runs/<uuid:run_id>/result.json", views.run_result, name="run-result"),
    path("runs/<uuid:run_id>/state/", state_views.run_state, name="run-state"),
    path("runs/<uuid:run_id>/report.md", state_views.run_markdown, name="run-markdown"),
    path("runs/<uuid:run_id>/live/", views.run_live, name="run-live"),
    path("runs/<uuid:run_id>/cancel/", views.run_cancel, name="run-cancel"),
]
