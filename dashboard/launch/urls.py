from django.urls import path

from dashboard.launch import views

urlpatterns = [path("launch/", views.launch, name="launch")]
