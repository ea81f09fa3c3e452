from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "dashboard.retention"
    default_auto_field = "django.db.models.BigAutoField"
