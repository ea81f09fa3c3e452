"""Made-up history to look at and to measure with. `stories` is what is told, `rows` how it gets into the database."""

from dashboard.runs.seeding.rows import runs_seed

__all__ = ["runs_seed"]
