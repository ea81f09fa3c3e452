from django.urls import path

from dashboard.monitoring import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("workers/", views.workers_page, name="workers"),
    path("workers/live/", views.workers_live, name="workers-live"),
    path("workers/notice/", views.workers_notice, name="workers-notice"),
]
