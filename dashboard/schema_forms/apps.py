from django.apps import AppConfig


class SchemaFormsConfig(AppConfig):
    name = "dashboard.schema_forms"
