from django.urls import path

from dashboard.launch import again_views, preset_views, thread_views, views

urlpatterns = [
    path("launch/", views.launch, name="launch"),
    path("launch/differences/", again_views.launch_differences, name="launch-differences"),
    path("launch/threads/", thread_views.launch_threads, name="launch-threads"),
    path("launch/code/", again_views.launch_code, name="launch-code"),
    path("runs/<uuid:run_id>/again/", again_views.run_again, name="run-again"),
    path("runs/<uuid:run_id>/code/", again_views.run_code, name="run-code"),
    path("runs/<uuid:run_id>/as/<str:kind>/", again_views.run_as, name="run-as"),
    path("presets/", preset_views.preset_list, name="preset-list"),
    path("presets/new/", preset_views.preset_new, name="preset-new"),
    path("presets/<uuid:preset_id>/", preset_views.preset_detail, name="preset-detail"),
    path("presets/<uuid:preset_id>/delete/", preset_views.preset_delete, name="preset-delete"),
    path("launch/form/", views.launch_form, name="launch-form"),
]
