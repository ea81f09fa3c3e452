"""Where people find the trace of a run."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('servers', '0011_assistant_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='server',
            name='trace_url',
            field=models.CharField(blank=True, default='', max_length=500),
        ),
    ]
