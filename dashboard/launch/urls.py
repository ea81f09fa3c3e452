from django.urls import path

from dashboard.launch import preset_views, views

urlpatterns = [
    path("launch/", views.launch, name="launch"),
    path("presets/", preset_views.preset_list, name="preset-list"),
    path("presets/new/", preset_views.preset_new, name="preset-new"),
    path("presets/<uuid:preset_id>/", preset_views.preset_detail, name="preset-detail"),
    path("presets/<uuid:preset_id>/delete/", preset_views.preset_delete, name="preset-delete"),
]
