"""What it looks like to Django when Postgres is away."""

from __future__ import annotations

from typing import Final

import psycopg
from django.db import InterfaceError, OperationalError

DATABASE_AWAY: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
"""Raised by anything that uses the database while it is away; whether a write took effect is then not known.

Those of psycopg come from what Django does not wrap, such as the end of a cursor that `iterator()` read.
"""
