"""What axe finds on a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def axe(page: Page, *rules: str) -> dict[str, list[str]]:
    """What axe finds, by rule, with the first elements concerned."""
    options: dict[str, object] = {"resultTypes": ["violations"], "preload": False, "selectors": False}
    if rules:
        options["runOnly"] = list(rules)
    if page.evaluate("'axe' in window"):  # putting half a megabyte into a page takes as long as looking at it
        violations = page.evaluate("options => axe.run(options)", options)["violations"]
    else:
        violations = Axe().run(page, options=options).response["violations"]
    return {found["id"]: [node["html"][:200] for node in found["nodes"][:3]] for found in violations}


def axe_in_both_themes(page: Page) -> dict[str, list[str]]:
    """What axe finds on a page in light, and about the colours in dark: everything else is the same there."""
    found = axe(page)
    page.emulate_media(color_scheme="dark")
    found |= {f"{rule}, dark": where for rule, where in axe(page, "color-contrast").items()}
    page.emulate_media(color_scheme="light")
    return found
