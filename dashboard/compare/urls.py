from django.urls import path

from dashboard.compare import views

urlpatterns = [path("runs/compare/", views.run_compare, name="run-compare")]
