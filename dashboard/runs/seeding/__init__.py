"""Made-up history to try things out and to measure. `stories` invents runs, `rows` writes them to the database."""

from dashboard.runs.seeding.rows import runs_seed

__all__ = ["runs_seed"]
