"""For whom the answer link was made by which an answer came."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0062_fill_summaries")]

    operations = [
        migrations.AddField("run", "link_for", models.CharField(blank=True, db_default="", default="", max_length=60))
    ]
