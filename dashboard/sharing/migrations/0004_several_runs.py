"""Links to several runs. Links are few, so that filling in their team takes no time worth mentioning."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

TEAMS = """
    UPDATE sharing_sharelink SET team_id = runs_run.team_id FROM runs_run WHERE runs_run.id = sharing_sharelink.run_id;
    SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0065_answers_given'),
        ('servers', '0020_assistant_graph'),
        ('teams', '0009_mail'),
        ('sharing', '0003_form_links'),
    ]

    operations = [
        migrations.AddField(
            model_name='sharelink',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='teams.team'),
        ),
        migrations.RunSQL(TEAMS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='sharelink',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='teams.team'),
        ),
        migrations.AlterField(
            model_name='sharelink',
            name='run',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='runs.run'),
        ),
        migrations.CreateModel(
            name='RunSet',
            fields=[
                ('link', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='run_set', serialize=False, to='sharing.sharelink')),
                ('kind', models.CharField(choices=[('comparison', 'Comparison'), ('thread', 'Thread'), ('view', 'List of runs')], max_length=10)),
                ('name', models.CharField(max_length=100)),
                ('run_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('thread_id', models.CharField(blank=True, default='', max_length=200)),
                ('query', models.CharField(blank=True, default='', max_length=2100)),
                ('rows_json', models.TextField(blank=True, default='')),
                ('server', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='servers.server')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['comparison', 'thread', 'view'])), name='run_set_kind_known')],
            },
        ),
    ]
