from django.db import migrations

FORWARD = """
CREATE TRIGGER teams_audit_not_emptied BEFORE TRUNCATE ON teams_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION teams_audit_append_only();
"""
BACKWARD = "DROP TRIGGER teams_audit_not_emptied ON teams_auditentry;"


class Migration(migrations.Migration):

    dependencies = [
        ('teams', '0007_service_tokens'),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
