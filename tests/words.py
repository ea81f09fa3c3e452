"""What a page says, however its lines are broken."""

from __future__ import annotations

from django.http import HttpResponse


def flat(page: HttpResponse | str) -> str:
    """A page with a single space wherever it has white space, and none where a tag ends."""
    text = page if isinstance(page, str) else page.content.decode()
    return " ".join(text.split()).replace(" >", ">")
