from django.urls import path

from dashboard.history import bulk_views, choice_views, insight_views, saved_views, views

urlpatterns = [
    path("runs/", views.run_list, name="run-list"),
    path("runs/export.csv", views.run_export_csv, name="run-export-csv"),
    path("runs/export.jsonl", views.run_export_jsonl, name="run-export-jsonl"),
    path("runs/bulk/", bulk_views.run_bulk, name="run-bulk"),
    path("runs/bulk/<uuid:bulk_id>/", bulk_views.bulk_detail, name="bulk-detail"),
    path("runs/bulk/<uuid:bulk_id>/stop/", bulk_views.bulk_stop, name="bulk-stop"),
    path("insights/", insight_views.insights_page, name="insights"),
    path("views/", saved_views.view_list, name="view-list"),
    path("views/counts/", saved_views.view_counts, name="view-counts"),
    path("views/columns/", choice_views.view_columns, name="view-columns"),
    path("views/default/", choice_views.view_default, name="view-default"),
    path("views/<int:view_id>/delete/", saved_views.view_delete, name="view-delete"),
]
