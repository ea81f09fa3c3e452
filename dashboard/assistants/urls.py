from django.urls import path

from dashboard.assistants import change_views, views

urlpatterns = [
    path("assistants/", views.assistant_list, name="assistant-list"),
    path("assistants/refresh/", views.assistant_refresh, name="assistant-refresh"),
    path("assistants/<uuid:server_id>/<uuid:assistant_id>/edit/", change_views.assistant_edit, name="assistant-edit"),
    path("assistants/<uuid:server_id>/<uuid:assistant_id>/copy/", change_views.assistant_copy, name="assistant-copy"),
    path(
        "assistants/<uuid:server_id>/<uuid:assistant_id>/version/",
        change_views.assistant_version,
        name="assistant-version",
    ),
    path(
        "assistants/<uuid:server_id>/<uuid:assistant_id>/delete/",
        change_views.assistant_delete,
        name="assistant-delete",
    ),
    path("assistants/<uuid:server_id>/<path:assistant_id>/", views.assistant_detail, name="assistant-detail"),
]
