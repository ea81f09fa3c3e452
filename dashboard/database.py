"""The exceptions Django raises while Postgres is away."""

from __future__ import annotations

from typing import Final

import psycopg
from django.db import InterfaceError, OperationalError

DATABASE_AWAY: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
"""Raised by anything that uses the database while it is away; a write may or may not have taken effect.

Those of psycopg come from what Django does not wrap, such as the end of a cursor that `iterator()` read.
"""
