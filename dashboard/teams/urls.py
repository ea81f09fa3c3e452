from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.teams import account_views, audit_views, forgotten_views, password_views, people_views, views
from dashboard.teams.openid import views as openid_views
from dashboard.teams.sign_in import SignIn

urlpatterns = [
    path(
        "accounts/login/",
        SignIn.as_view(),
        name="login",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/sign-in/<str:token>/", views.sign_in, name="sign-in"),
    path("accounts/openid/", openid_views.start, name="openid-start"),
    path("accounts/openid/callback/", openid_views.callback, name="openid-callback"),
    path("accounts/join/<str:token>/", people_views.join, name="join"),
    path("accounts/forgotten/", forgotten_views.password_forgotten, name="password-forgotten"),
    path("accounts/reset/<str:token>/", password_views.password_reset, name="password-reset"),
    path("people/", people_views.people_list, name="people"),
    path("people/invitations/", people_views.invitation_create, name="invitation-create"),
    path("people/invitations/<int:invitation_id>/revoke/", people_views.invitation_revoke, name="invitation-revoke"),
    path("people/leave/", people_views.team_leave, name="team-leave"),
    path("people/<int:user_id>/", people_views.member_change, name="member-change"),
    path("people/<int:user_id>/password-link/", password_views.member_password_link, name="member-password-link"),
    path("teams/", people_views.team_list, name="team-list"),
    path("teams/<slug:slug>/switch/", people_views.team_switch, name="team-switch"),
    path("profile/", account_views.profile, name="profile"),
    path("profile/openid/", openid_views.connect, name="openid-connect"),
    path("profile/password/", account_views.password_change, name="password-change"),
    path("profile/sessions/<slug:name>/end/", account_views.session_end, name="session-end"),
    path("tokens/", account_views.token_list, name="token-list"),
    path("tokens/<uuid:token_id>/revoke/", account_views.token_revoke, name="token-revoke"),
    path("audit/", audit_views.audit_list, name="audit"),
    path("audit/export.csv", audit_views.audit_export_csv, name="audit-export-csv"),
    path("audit/export.jsonl", audit_views.audit_export_jsonl, name="audit-export-jsonl"),
]
