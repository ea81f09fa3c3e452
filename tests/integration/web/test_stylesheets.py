"""The stylesheet of an installation: all of them in one file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from dashboard.static_files import NOT_FOR_BROWSERS, STYLESHEETS

SOURCES = settings.BASE_DIR / "static" / "css"


@pytest.mark.usefixtures("static_files")
def test_a_page_asks_for_one_stylesheet_with_all_in_their_order() -> None:
    page = Client().get("/accounts/login/").content.decode()

    (address,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    served = (Path(settings.STATIC_ROOT) / address.removeprefix("/static/")).read_text()
    sources = [NOT_FOR_BROWSERS.sub(b"", (SOURCES / f"{name}.css").read_bytes()).decode() for name in STYLESHEETS]
    begins = [served.index(source[:200]) for source in sources]
    assert begins == sorted(begins)
    assert "/*" not in served


def test_no_stylesheet_is_left_out() -> None:
    assert sorted(path.stem for path in SOURCES.glob("*.css")) == sorted(STYLESHEETS)
