from django.urls import path

from dashboard.runs import label_views, views
from dashboard.runs.state import views as state_views

urlpatterns = [
    path("threads/<uuid:server_id>/<path:thread_id>/", state_views.thread_detail, name="thread"),
    path("runs/<uuid:run_id>/", views.run_detail, name="run-detail"),
    path("runs/<uuid:run_id>.json", views.run_json, name="run-json"),
    path("runs/<uuid:run_id>/result.json", views.run_result, name="run-result"),
    path("runs/<uuid:run_id>/state/", state_views.run_state, name="run-state"),
    path("runs/<uuid:run_id>/report.md", state_views.run_markdown, name="run-markdown"),
    path("runs/<uuid:run_id>/live/", views.run_live, name="run-live"),
    path("runs/<uuid:run_id>/related/", views.run_related, name="run-related"),
    path("runs/<uuid:run_id>/cancel/", views.run_cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/rename/", label_views.run_rename, name="run-rename"),
    path("runs/<uuid:run_id>/tags/", label_views.run_tags, name="run-tags"),
    path("runs/<uuid:run_id>/star/", label_views.run_star, name="run-star"),
    path("runs/<uuid:run_id>/note/", label_views.run_note, name="run-note"),
]
