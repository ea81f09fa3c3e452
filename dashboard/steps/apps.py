from django.apps import AppConfig


class StepsConfig(AppConfig):
    name = "dashboard.steps"
    default_auto_field = "django.db.models.BigAutoField"
