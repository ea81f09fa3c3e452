"""Links that show several runs: a comparison, a thread, a filtered view."""
