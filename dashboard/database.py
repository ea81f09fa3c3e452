"""What it looks like to Django when Postgres is away."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, OperationalError

DATABASE_AWAY: Final = (OperationalError, InterfaceError)
"""Raised by anything that uses the database while it is away; whether a write took effect is then not known."""
