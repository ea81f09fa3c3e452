"""Launch links: the address of a filled form. The page lists unknown fields instead of dropping them."""

from __future__ import annotations

from django.http import QueryDict

from dashboard.launch.forms import LaunchForm
from dashboard.launch.prefill import NEVER_FROM_A_LINK, VIEWS

OF_THE_PAGE = {"from", "preset", "answers", "thread_q"}
MARKS = ("given", "kind", "key", "order", "paste")
"""Prefixes of the names of controls of a schema's form."""
SHOWN = 8


def link_problems(query: QueryDict) -> list[str]:
    """Sentences about what an address names and the form does not have."""
    unknown = [name for name in dict.fromkeys(query) if not _is_known(name)]
    found = []
    if unknown:
        names = ", ".join(name[:60] for name in unknown[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        found.append(f"The form does not have these fields of the link, so they are left out: {names}{more}.")
    if query.get("headers"):
        found.append("Headers are secrets, so a link never sets them: type them below.")
    return found


def _is_known(name: str) -> bool:
    if name in LaunchForm.base_fields or name in OF_THE_PAGE or name in NEVER_FROM_A_LINK:
        return True
    first, _, rest = name.partition("/")
    if first in MARKS and rest:
        first = rest.partition("/")[0]
    return first.removesuffix("_view") in VIEWS if "/" in name or name.endswith("_view") else False
