from django.urls import path

from dashboard.answers import views

urlpatterns = [
    path("runs/<uuid:run_id>/answer/", views.run_answer, name="run-answer"),
    path("runs/<uuid:run_id>/answer/panel/", views.run_answer_panel, name="run-answer-panel"),
    path("runs/<uuid:run_id>/continue/", views.run_continue, name="run-continue"),
]
