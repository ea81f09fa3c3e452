"""What Postgres announces to web processes when somebody's access may have changed."""

ACCESS_CHANNEL = "runboard_access"
"""No payload. Sent by triggers, so that no writer can forget it: a membership came, went or changed; an account was
closed or its password changed; a session was ended."""
