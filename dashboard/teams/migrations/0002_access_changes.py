"""Open pages ask who may see them once, and again when these triggers say that somebody's access may have changed."""

from django.db import migrations

WHEN = {
    "teams_membership": "INSERT OR UPDATE OR DELETE",
    "teams_user": "UPDATE OF is_active, password OR DELETE",
    "django_session": "DELETE",
}

FORWARD = """
CREATE FUNCTION teams_access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('runboard_access', '');
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER teams_access_changed AFTER {when} ON {table} EXECUTE FUNCTION teams_access_changed();\n"
    for table, when in WHEN.items()
)

BACKWARD = (
    "".join(f"DROP TRIGGER teams_access_changed ON {table};\n" for table in WHEN)
    + "DROP FUNCTION teams_access_changed();"
)


class Migration(migrations.Migration):
    dependencies = [("teams", "0001_initial"), ("sessions", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
