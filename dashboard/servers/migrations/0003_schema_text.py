from django.db import migrations, models


class Migration(migrations.Migration):
    """jsonb reorders properties; forms need the server's order, so the schemas are kept as text."""

    dependencies = [("servers", "0001_initial")]

    operations = [
        migrations.RenameField("assistant", "schemas", "schemas_text"),
        migrations.AlterField("assistant", "schemas_text", models.TextField(default="{}")),
    ]
