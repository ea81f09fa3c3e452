"""The labels of the fields of a launch."""

from __future__ import annotations

from dashboard.launch.documents import NAMES, document_label, schema_of
from dashboard.launch.forms import LaunchForm
from dashboard.schema_forms.pointers import path_of
from dashboard.schema_forms.shapes import Shapes
from dashboard.servers.models import Assistant
from dashboard.text import clip


def field_label(name: str, assistant: Assistant | None) -> str:
    """The label of a field (`input/topic`, `interrupt_before`) as the launch form of the assistant shows it.

    Inside a document these are the schema's titles, else the keys: "Topic", "Context: Tone".
    """
    parameter = name.partition("/")[0]
    field = LaunchForm.base_fields.get(parameter)
    whole = document_label(parameter) if parameter in NAMES else str(field.label) if field else parameter
    path = path_of(parameter, name)
    if not path:
        return whole
    schema = schema_of(assistant, parameter).value if parameter in NAMES else None
    shapes, at, words = Shapes(schema or {}), schema, []
    for key in path:
        at = shapes.of(at).properties.get(key) if isinstance(at, dict) else None
        title = at.get("title") if isinstance(at, dict) else None
        words.append(clip(title if isinstance(title, str) and title.strip() else key))
    inside = " / ".join(words)
    return inside if parameter == "input" else f"{whole}: {inside}"
