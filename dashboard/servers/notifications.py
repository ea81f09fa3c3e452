"""What Postgres announces to workers about servers."""

CHECK_CHANNEL = "runboard_check"
"""Payload: the id of a requested check."""
