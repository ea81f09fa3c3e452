from django.urls import path

from dashboard.answers import attention_views, inbox_views, several_views, views
from dashboard.answers.links import member_views
from dashboard.answers.links import views as link_views

urlpatterns = [
    path("inbox/", inbox_views.inbox, name="inbox"),
    path("inbox/live/", inbox_views.inbox_live, name="inbox-live"),
    path("inbox/count/", inbox_views.inbox_count, name="inbox-count"),
    path("inbox/several/", several_views.answer_several_page, name="answer-several"),
    path("runs/<uuid:run_id>/answer/", views.run_answer, name="run-answer"),
    path("runs/<uuid:run_id>/answer/panel/", views.run_answer_panel, name="run-answer-panel"),
    path("runs/<uuid:run_id>/assign/", attention_views.run_assign_to, name="run-answer-assign"),
    path("runs/<uuid:run_id>/snooze/", attention_views.run_snooze_until, name="run-answer-snooze"),
    path("runs/<uuid:run_id>/continue/", views.run_continue, name="run-continue"),
    path("runs/<uuid:run_id>/answer-links/", member_views.answer_links, name="answer-link-list"),
    path("answer-links/<uuid:link_id>/revoke/", member_views.answer_link_revoke, name="answer-link-revoke"),
    path("a/<str:token>/", link_views.answer_page, name="answer-page"),
]
