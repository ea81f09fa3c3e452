"""What a run was about and what came of it, labels, and the values it is found by. No row is rewritten."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0010_after_cancel")]

    operations = [
        migrations.AddField("run", "batch_id", models.UUIDField(null=True)),
        migrations.AddField("run", "is_starred", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("run", "note", models.TextField(blank=True, db_default="", default="")),
        migrations.AddField("run", "outcome_text", models.CharField(blank=True, db_default="", default="", max_length=200)),
        migrations.AddField("run", "summary", models.CharField(blank=True, db_default="", default="", max_length=200)),
        migrations.AddField(
            "run",
            "value_keys",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), db_default=[], default=list, editable=False, size=None
            ),
        ),
    ]
