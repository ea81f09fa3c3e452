"""Document -> form -> what a browser posts -> document: nothing is lost, reordered or retyped, whatever the schema."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.schema_forms import MISSING, SchemaForm
from dashboard.schema_forms.json_text import parse, write
from tests.contract.schema_forms.documents import documents
from tests.contract.schema_forms.schemas import SCHEMAS
from tests.page_forms import posted

_settings = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def through_the_form(schema: Any, document: Any) -> Any:
    shown = str(SchemaForm(schema, name="input", document=document))
    return SchemaForm.from_post(schema, posted(shown), name="input").document


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_document_comes_back_as_it_was(name: str) -> None:
    schema = SCHEMAS[name]

    @_settings
    @given(documents(schema))
    def check(document: Any) -> None:
        assert write(through_the_form(schema, document)) == write(document)

    check()


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_untouched_form_gives_nothing(name: str) -> None:
    assert through_the_form(SCHEMAS[name], MISSING) is MISSING


@pytest.mark.parametrize("name", SCHEMAS)
def test_buttons_change_nothing_but_their_place(name: str) -> None:
    """Any row button can be pressed at any time, and its undoing gives the document back."""
    schema = SCHEMAS[name]

    @_settings
    @given(documents(schema), st.data())
    def check(document: Any, data: st.DataObject) -> None:
        form = SchemaForm(schema, name="input", document=document)
        shown = str(form)
        adds = [part.split('"')[0] for part in shown.split('value="add ')[1:]]
        if not adds:
            return
        control = data.draw(st.sampled_from(adds))
        pressed = SchemaForm.from_post(schema, posted(shown), name="input")

        assert pressed.act(f"add {unescape(control)}")

        again = SchemaForm.from_post(schema, posted(str(pressed)), name="input")
        assert write(pressed.document) == write(again.document) or again.document is pressed.document

    check()


@pytest.mark.parametrize("name", SCHEMAS)
def test_documents_of_many_lines_are_written_with_what_fits_on_one(name: str) -> None:
    @_settings
    @given(documents(SCHEMAS[name]))
    def check(document: Any) -> None:
        many = [document] * 1_001

        text = write(many)

        assert write(parse(text), indent=None) == write(many, indent=None)
        on_one = write(document, indent=None)
        if len(on_one) < 110:
            assert text == "[\n  " + ",\n  ".join([on_one] * 1_001) + "\n]"

    check()


def test_documents_nested_as_deeply_as_can_be_read_are_written() -> None:
    for text in ("[" * 400 + "1" + "]" * 400, '{"a": ' * 400 + "{}" + "}" * 400):
        assert write(parse(text), indent=None) == text
        assert write(parse(text)).count("\n") == 800
