"""The status table in the database itself: no writer, not even by hand, can make a change that TRANSITIONS forbids."""

from django.db import migrations

ENDS = ["succeeded", "needs_input", "paused", "failed", "timed_out", "cancelled", "lost"]
MAY_FOLLOW = {
    "queued": ["starting", "cancelled"],
    "starting": ["running", "scheduled", "queued", "cancelling", "failed", "cancelled", "lost"],
    "scheduled": ["running", "cancelling", *ENDS],
    "running": ["cancelling", *ENDS],
    "cancelling": ENDS,
}

_CASES = "\n".join(
    f"        WHEN '{was}' THEN NEW.status IN ({', '.join(repr(to) for to in after)})"
    for was, after in MAY_FOLLOW.items()
)

FORWARD = f"""
CREATE FUNCTION runs_run_status_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (CASE OLD.status
{_CASES}
        ELSE false END)
    THEN
        RAISE EXCEPTION 'a run that is % cannot become %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER runs_run_status_guard BEFORE UPDATE OF status ON runs_run
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION runs_run_status_guard();
"""

BACKWARD = "DROP TRIGGER runs_run_status_guard ON runs_run; DROP FUNCTION runs_run_status_guard();"


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
