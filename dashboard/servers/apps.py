from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "dashboard.servers"
    default_auto_field = "django.db.models.BigAutoField"
