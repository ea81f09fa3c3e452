from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "dashboard.local"
    default_auto_field = "django.db.models.BigAutoField"
