from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.teams import views
from dashboard.teams.sign_in import SignIn

urlpatterns = [
    path(
        "accounts/login/",
        SignIn.as_view(),
        name="login",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/sign-in/<str:token>/", views.sign_in, name="sign-in"),
]
