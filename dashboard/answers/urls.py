from django.urls import path

from dashboard.answers import inbox_views, views

urlpatterns = [
    path("inbox/", inbox_views.inbox, name="inbox"),
    path("inbox/live/", inbox_views.inbox_live, name="inbox-live"),
    path("runs/<uuid:run_id>/answer/", views.run_answer, name="run-answer"),
    path("runs/<uuid:run_id>/answer/panel/", views.run_answer_panel, name="run-answer-panel"),
    path("runs/<uuid:run_id>/continue/", views.run_continue, name="run-continue"),
]
