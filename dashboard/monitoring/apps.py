from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "dashboard.monitoring"
    default_auto_field = "django.db.models.BigAutoField"
