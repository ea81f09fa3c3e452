"""What Postgres tells workers about servers."""

CHECK_CHANNEL = "runboard_check"
"""Payload: the id of a check that somebody asked for."""
