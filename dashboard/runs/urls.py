from django.urls import path

from dashboard.runs import views

urlpatterns = [
    path("runs/", views.run_list, name="run-list"),
    path("runs/<uuid:run_id>/", views.run_detail, name="run-detail"),
    path("runs/<uuid:run_id>.json", views.run_json, name="run-json"),
    path("runs/<uuid:run_id>/result.json", views.run_result, name="run-result"),
    path("runs/<uuid:run_id>/live/", views.run_live, name="run-live"),
    path("runs/<uuid:run_id>/cancel/", views.run_cancel, name="run-cancel"),
]
