from django.urls import path

from dashboard.compare import views

urlpatterns = [
    path("runs/compare/", views.run_compare, name="run-compare"),
    path("runs/<uuid:run_id>/so-far/", views.run_so_far, name="run-so-far"),
]
