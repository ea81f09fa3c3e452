"""Presets shared as forms: anybody with the link fills in what the preset leaves open, and launches a run."""
