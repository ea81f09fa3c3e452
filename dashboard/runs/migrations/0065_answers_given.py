"""The last answers to an assistant's questions are found by an index, however long the history is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0064_attention")]

    operations = [
        # Built beside writers by 0066_indexes_beside_writers.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "run",
                    models.Index(
                        fields=["team", "assistant_id", "-created_at"],
                        condition=models.Q(answers__isnull=False),
                        name="run_answers_given",
                    ),
                ),
            ]
        )
    ]
