from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from dashboard.teams import views

urlpatterns = [
    path(
        "accounts/login/",
        LoginView.as_view(template_name="teams/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/sign-in/<str:token>/", views.sign_in, name="sign-in"),
]
