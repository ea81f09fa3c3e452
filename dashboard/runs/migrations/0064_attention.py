"""Who looks after an open question, and until when it is put aside."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("runs", "0063_link_for")]

    operations = [
        migrations.AddField(
            "run",
            "assigned_to",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("run", "snoozed_until", models.DateTimeField(null=True)),
        # Built beside writers by 0066_indexes_beside_writers.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "run",
                    models.Index(
                        fields=["snoozed_until"],
                        condition=models.Q(snoozed_until__isnull=False),
                        name="run_snoozes",
                    ),
                ),
            ]
        ),
    ]
