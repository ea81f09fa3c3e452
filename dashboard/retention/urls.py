from django.urls import path

from dashboard.retention import views

urlpatterns = [path("retention/", views.retention, name="retention")]
