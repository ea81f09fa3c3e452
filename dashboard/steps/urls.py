from django.urls import path

from dashboard.steps import state_views, views

urlpatterns = [
    path("runs/<uuid:run_id>/steps.json", views.steps_json, name="steps-json"),
    path("runs/<uuid:run_id>/steps/", views.run_steps, name="run-steps"),
    path("runs/<uuid:run_id>/steps/<int:index>/", views.run_step, name="run-step"),
    path("runs/<uuid:run_id>/states/<str:checkpoint_id>/", state_views.run_checkpoint, name="run-checkpoint"),
]
