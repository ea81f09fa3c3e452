"""The tag that writes addresses gives the same as Django's own."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.template import Context, Engine
from django.urls import NoReverseMatch, set_script_prefix

RUN = UUID("3f2b8c1e-0000-4000-8000-00000000abcd")
TAGS = [
    "{% url 'run-list' %}",
    "{% url name %}",
    "{% url 'run-detail' run %}",
    "{% url 'run-detail' run_id=run %}",
    "{% url 'run-detail' text %}",
    "{% url 'run-step' run 3 %}",
    "{% url 'run-live' run as found %}[{{ found }}]",
    "{% url 'run-list' as found %}[{{ found }}]",
    "{% url 'no-such-page' as found %}[{{ found }}]",
]


@pytest.mark.parametrize("prefix", ["/", "/runs & more/"])
@pytest.mark.parametrize("tag", TAGS)
def test_addresses_are_those_of_django(tag: str, prefix: str) -> None:
    ours, theirs = Engine(builtins=["dashboard.addresses"]), Engine()
    set_script_prefix(prefix)
    try:
        for _ in range(2):
            values = {"run": RUN, "text": str(RUN), "name": "launch"}
            assert ours.from_string(tag).render(Context(values)) == theirs.from_string(tag).render(Context(values))
    finally:
        set_script_prefix("/")


def test_a_page_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(NoReverseMatch):
        Engine(builtins=["dashboard.addresses"]).from_string("{% url 'no-such-page' %}").render(Context())
