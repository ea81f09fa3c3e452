from django.urls import path

from dashboard.servers import views

urlpatterns = [
    path("servers/", views.server_list, name="server-list"),
    path("servers/new/", views.server_new, name="server-new"),
    path("servers/<uuid:server_id>/", views.server_detail, name="server-detail"),
    path("servers/<uuid:server_id>/check/", views.server_check, name="server-check"),
    path("servers/<uuid:server_id>/delete/", views.server_delete, name="server-delete"),
]
