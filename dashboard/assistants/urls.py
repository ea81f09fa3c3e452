from django.urls import path

from dashboard.assistants import views

urlpatterns = [
    path("assistants/", views.assistant_list, name="assistant-list"),
    path("assistants/refresh/", views.assistant_refresh, name="assistant-refresh"),
    path("assistants/<uuid:server_id>/<str:assistant_id>/", views.assistant_detail, name="assistant-detail"),
]
