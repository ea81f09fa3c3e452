"""Presets shared as forms: whoever has the link fills in what the preset leaves open, and launches."""
