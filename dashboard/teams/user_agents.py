"""Browsers by their names."""

from __future__ import annotations

from typing import Final

from dashboard.text import clip

# In this order: Edge and Opera call themselves Chrome too, and all but Firefox call themselves Safari.
_BROWSERS: Final = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_words(agent: str) -> str:
    """A `User-Agent` as "Firefox on Linux"; one that is no known browser's as it is."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if browser and system else clip(agent, 80) or "Unknown browser"
