"""Removes what a share link hides from a run's documents, before anything is rendered."""
